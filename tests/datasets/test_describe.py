from pathlib import Path

from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.describe import describe
from medseg.datasets.inspection import Inspection, StudyFacts


def facts(name: str, shape: tuple[int, ...], spacing: float, voxels: dict[int, int] | None) -> StudyFacts:
    return StudyFacts(name, shape, (spacing, 1.0, 1.0), voxels, name[0])


def dataset(*ids: str) -> Dataset:
    studies = tuple(Study(name, name[:1], {"t1": ChannelFile(Path("a"))}) for name in ids)
    return Dataset("a test", Path("/d"), studies, ("t1",), {1: "NCR", 4: "ET"}, ("two files were left aside",))


def test_the_lines_say_what_was_found() -> None:
    studies = (
        facts("a", (10, 20, 30), 0.5, {0: 9, 1: 4}),
        facts("b", (30, 20, 30), 2.0, {0: 9}),
        facts("c", (12, 20, 100), 1.0, {0: 9, 1: 1, 4: 2}),
    )
    assert describe(Inspection(studies, {}, (), ""), dataset("a", "b", "c")) == [
        "data      a test: '/d'",
        "studies   3, of 3 patients",
        "channels  t1",
        "spacing   0.5 x 1 x 1 to 2 x 1 x 1 mm, median 1 x 1 x 1",
        "shape     10 x 20 x 30 to 30 x 20 x 100, median 12 x 20 x 30",
        "labels    1 NCR in 2 of 3, 4 ET in 1 of 3",
        "note      two files were left aside",
        "note      no labelled voxel in b",
    ]


def test_equal_grids_are_told_once_and_equal_contents_are_named() -> None:
    studies = tuple(facts(name, (240, 240, 155), 1.0, None) for name in ("a1", "a2"))
    lines = describe(Inspection(studies, {}, (), ""), dataset("a1", "a2"))
    assert lines[1:] == [
        "studies   2, of 1 patient",
        "channels  t1",
        "spacing   1 x 1 x 1 mm",
        "shape     240 x 240 x 155",
        "note      two files were left aside",
        "note      the same files under several ids: a1, a2",
    ]


def test_a_dataset_without_a_sound_study_can_be_described() -> None:
    assert len(describe(Inspection((), {}, (), ""), dataset("a"))) == 4
