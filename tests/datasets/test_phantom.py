from pathlib import Path

import numpy as np
import pytest

from medseg.core.errors import OutputError, UsageError
from medseg.core.labels import Label, LabelSet
from medseg.datasets.detect import read_dataset
from medseg.datasets.inspect import inspect_dataset
from medseg.datasets.phantom import PHANTOMS, write_phantom_cohort
from medseg.io.nifti import read_label, read_volume

BRAIN = LabelSet((Label("NCR", 1), Label("ED", 2), Label("ET", 4)))
HIPPOCAMPUS = LabelSet((Label("Anterior", 1), Label("Posterior", 2)))
LABELS = {"brain_tumour": BRAIN, "hippocampus": HIPPOCAMPUS}
SMALL = {"brain_tumour": 0.4, "hippocampus": 0.7}


@pytest.mark.parametrize("kind", PHANTOMS)
def test_a_cohort_reads_back_without_a_fault(tmp_path: Path, kind: str) -> None:
    folder = write_phantom_cohort(tmp_path / "new" / "cohort", kind=kind, studies=3, seed=1, scale=SMALL[kind])
    inspection = inspect_dataset(read_dataset(folder), LABELS[kind], need_labels=True, cache=None)
    assert inspection.faults == ()
    assert len({facts.digest for facts in inspection.studies}) == 3
    assert all(set(facts.voxels or {}) > {0} for facts in inspection.studies)
    assert "no patient was scanned" in (folder / "PHANTOM.txt").read_text()
    assert [path.name for path in folder.parent.iterdir()] == ["cohort"]


@pytest.mark.parametrize("kind", PHANTOMS)
def test_the_same_seed_gives_the_same_files_whatever_the_number(tmp_path: Path, kind: str) -> None:
    one, two, other = (
        write_phantom_cohort(tmp_path / name, kind=kind, studies=studies, seed=seed, scale=0.4)
        for name, studies, seed in (("one", 1, 5), ("two", 2, 5), ("other", 1, 6))
    )
    scans = [path.relative_to(one) for path in sorted(one.rglob("*.nii.gz"))]
    assert scans
    for path in scans:
        assert (one / path).read_bytes() == (two / path).read_bytes()
        assert (one / path).read_bytes() != (other / path).read_bytes()


def test_a_cohort_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    arguments = {"kind": "hippocampus", "studies": 1, "seed": 0, "scale": 0.4}
    folder = write_phantom_cohort(tmp_path / "a", **arguments)  # type: ignore[arg-type]
    before = (folder / "dataset.json").stat().st_mtime_ns
    write_phantom_cohort(folder, **arguments)  # type: ignore[arg-type]
    assert (folder / "dataset.json").stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="holds something else"):
        write_phantom_cohort(folder, kind="hippocampus", studies=2, seed=0, scale=0.4)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no phantom 'liver'; choose brain_tumour or hippocampus"):
        write_phantom_cohort(tmp_path / "a", kind="liver", studies=1, seed=0)


def test_tumour_tissues_look_as_they_do_in_patients(phantom_brats: Path) -> None:
    """Oedema is bright on FLAIR, the enhancing rim on T1c; background is 0 and labels lie in the brain."""
    for folder in sorted(path for path in phantom_brats.iterdir() if path.is_dir()):
        labels, _ = read_label(folder / f"{folder.name}_seg.nii.gz")
        t1, t1c, flair = (
            read_volume(folder / f"{folder.name}_{part}.nii.gz").array[0] for part in ("t1", "t1ce", "flair")
        )
        brain = t1 > 0
        assert 0.2 < brain.mean() < 0.6
        assert brain[labels > 0].all()
        healthy = brain & (labels == 0)
        assert np.median(flair[labels == 2]) > 1.3 * np.median(flair[healthy])
        if (labels == 4).any():
            assert np.median(t1c[labels == 4]) > 1.15 * np.median(t1c[healthy])
        assert np.median(t1[labels == 1]) < 0.8 * np.median(t1[healthy])


def test_the_head_of_the_hippocampus_lies_in_front(tmp_path: Path) -> None:
    folder = write_phantom_cohort(tmp_path / "a", kind="hippocampus", studies=2, seed=0)
    for path in sorted((folder / "labelsTr").iterdir()):
        labels, affine = read_label(path)
        np.testing.assert_array_equal(affine[:3, :3], np.eye(3))
        anterior, posterior = (np.argwhere(labels == value)[:, 1].mean() for value in (1, 2))
        assert anterior > posterior + 8
