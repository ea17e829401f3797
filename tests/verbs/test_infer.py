"""`medseg infer` on files, folders and datasets, and stock MONAI giving the same label maps."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tiny

_LPS = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 15], [0, 0, 1.0, -9], [0, 0, 0, 1]])
_SAGITTAL_THICK = np.array([[0, 0, -3.0, 10], [1.2, 0, 0, -20], [0, 0.9, 0, 5], [0, 0, 0, 1]])
_NAMES_2023 = {"t1": "t1n", "t1ce": "t1c", "t2": "t2w", "flair": "t2f", "seg": "seg"}


@pytest.fixture(scope="module")
def brats_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small brain tumour phantoms with the names until 2021; do not write into it."""
    return tiny.write_tiny_cohort(tmp_path_factory.mktemp("data") / "brats", "brain_tumour", studies=2, scale=0.25)


def _infer(bundle: Path, output: Path, *inputs: Path, words: tuple[str, ...] = ()) -> tiny.Answer:
    return tiny.call("infer", "--bundle", bundle, "--input", *inputs, "--output", output, *words)


def _labels(path: Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def _scan(cohort: Path, number: int = 0) -> Path:
    return cohort / "imagesTr" / f"phantom_{number:03d}.nii.gz"


def _write(path: Path, affine: np.ndarray, shape: tuple[int, ...]) -> Path:
    voxels = np.random.default_rng(0).normal(500, 100, shape).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


# What is written


def test_a_trained_run_segments_a_file_onto_its_own_grid(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    answer = _infer(tiny_run, tmp_path / "out", _scan(tiny_cohort))
    assert answer.code == 0, answer.err
    assert answer.last_line == str(tmp_path / "out")
    written, scan = nibabel.load(tmp_path / "out" / "phantom_000.nii.gz"), nibabel.load(_scan(tiny_cohort))
    assert written.shape == scan.shape
    assert np.array_equal(written.affine, scan.affine)
    assert written.get_data_dtype() == np.uint8
    assert set(np.unique(_labels(tmp_path / "out" / "phantom_000.nii.gz"))) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("affine", "shape"), [(_LPS, (22, 26, 19)), (_SAGITTAL_THICK, (24, 20, 8))], ids=["LPS", "sagittal_thick"]
)
def test_a_scan_of_any_orientation_and_spacing_comes_back_on_its_grid(
    affine: np.ndarray, shape: tuple[int, ...], model: Path, tmp_path: Path
) -> None:
    scan = _write(tmp_path / "scan.nii.gz", affine, shape)
    assert _infer(model, tmp_path / "out", scan).code == 0
    written = nibabel.load(tmp_path / "out" / "scan.nii.gz")
    assert written.shape == shape
    assert np.array_equal(written.affine, nibabel.load(scan).affine)
    assert len(np.unique(_labels(tmp_path / "out" / "scan.nii.gz"))) > 1


def test_the_same_scan_gives_the_same_file(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert _infer(model, tmp_path / name, _scan(tiny_cohort)).code == 0
    one, two = ((tmp_path / name / "phantom_000.nii.gz").read_bytes() for name in ("one", "two"))
    assert one == two


def test_json_counts_what_was_done(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", model, "--input", _scan(tiny_cohort), "--output", tmp_path / "out", "--json")
    answer = tiny.call("infer", *words)
    assert json.loads(answer.last_line) == {"output": str(tmp_path / "out"), "done": 1, "failed": 0}


def test_the_record_holds_each_study_with_its_voxels(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    assert _infer(model, tmp_path, _scan(tiny_cohort)).code == 0
    record = json.loads((tmp_path / "run.json").read_text())
    (study,) = record["studies"]
    labels = _labels(tmp_path / "phantom_000.nii.gz")
    assert record["outcome"] == "finished"
    assert study["study"] == "phantom_000"
    assert study["reason"] is None
    assert study["labels"] == {str(value): int((labels == value).sum()) for value in (1, 2)}


# What may be given


def test_a_folder_of_files_is_one_study_each(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in (1, 2):
        shutil.copy(_scan(tiny_cohort, number), folder)
    assert _infer(model, tmp_path / "out", folder).code == 0
    assert tiny.files_below(tmp_path / "out") == {"phantom_001.nii.gz", "phantom_002.nii.gz", *tiny.RECORDS}


def test_several_inputs_are_segmented_together(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    assert _infer(model, tmp_path, _scan(tiny_cohort, 1), _scan(tiny_cohort, 2)).code == 0
    assert tiny.files_below(tmp_path) == {"phantom_001.nii.gz", "phantom_002.nii.gz", *tiny.RECORDS}


@pytest.mark.parametrize("layout", ["decathlon", "pairs"])
def test_a_dataset_is_segmented_and_its_label_files_left_alone(
    layout: str, model: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    data = tiny_cohort
    if layout == "pairs":
        data = tmp_path / "data"
        shutil.copytree(tiny_cohort / "imagesTr", data / "images")
        shutil.copytree(tiny_cohort / "labelsTr", data / "labels")
    before = {name: (data / name).read_bytes() for name in tiny.files_below(data)}
    answer = _infer(model, tmp_path / "out", data)
    assert answer.code == 0, answer.err
    studies = {f"phantom_{number:03d}.nii.gz" for number in range(tiny.STUDIES)}
    assert tiny.files_below(tmp_path / "out") == {*studies, *tiny.RECORDS}
    assert {name: (data / name).read_bytes() for name in tiny.files_below(data)} == before


def test_brats_values_follow_the_names_of_the_input(brats_model: Path, brats_cohort: Path, tmp_path: Path) -> None:
    later = tmp_path / "2023" / "BraTS-GLI-00001-000"
    later.mkdir(parents=True)
    for old, new in _NAMES_2023.items():
        shutil.copy(brats_cohort / "Phantom_000" / f"Phantom_000_{old}.nii.gz", later / f"{later.name}-{new}.nii.gz")
    for data, name in ((brats_cohort, "2021"), (later, "later")):  # a dataset, and one study's folder
        answer = _infer(brats_model, tmp_path / name, data)
        assert answer.code == 0, answer.err
    until_2021 = _labels(tmp_path / "2021" / "Phantom_000.nii.gz")
    from_2023 = _labels(tmp_path / "later" / "BraTS-GLI-00001-000.nii.gz")
    assert (until_2021 == 4).any()
    assert not (until_2021 == 3).any()
    assert np.array_equal(np.where(until_2021 == 4, 3, until_2021), from_2023)


# What goes wrong


def test_one_bad_study_never_stops_the_others(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    data = tmp_path / "scans"
    shutil.copytree(tiny_cohort / "imagesTr", data)
    bad = data / "phantom_003.nii.gz"
    bad.write_bytes(bad.read_bytes()[:500])
    answer = _infer(model, tmp_path / "out", data)
    assert answer.code == 3
    assert "Traceback" not in answer.err
    assert len(tiny.files_below(tmp_path / "out")) == tiny.STUDIES - 1 + len(tiny.RECORDS)
    studies = json.loads((tmp_path / "out" / "run.json").read_text())["studies"]
    reasons = {study["study"]: study["reason"] for study in studies if study["reason"]}
    assert list(reasons) == ["phantom_003"]
    assert "truncated" in reasons["phantom_003"]
    assert str(bad) in reasons["phantom_003"]


def test_inputs_are_never_overwritten(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    shutil.copy(_scan(tiny_cohort), tmp_path)
    before = (tmp_path / "phantom_000.nii.gz").read_bytes()
    answer = _infer(model, tmp_path, tmp_path / "phantom_000.nii.gz")
    assert answer.code == 1
    assert "would replace the input of study 'phantom_000'" in answer.err
    assert (tmp_path / "phantom_000.nii.gz").read_bytes() == before


def test_expert_labels_and_the_record_of_a_training_are_never_replaced(
    model: Path, tiny_cohort: Path, tiny_run: Path, tmp_path: Path
) -> None:
    cohort = Path(shutil.copytree(tiny_cohort, tmp_path / "cohort"))
    before = (cohort / "labelsTr" / "phantom_000.nii.gz").read_bytes()
    answer = _infer(model, cohort / "labelsTr", _scan(cohort))
    assert answer.code == 1
    assert "exists and no inference wrote it" in answer.err
    assert (cohort / "labelsTr" / "phantom_000.nii.gz").read_bytes() == before
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    answer = _infer(model, run, _scan(cohort))
    assert answer.code == 1
    assert "holds a run of medseg train" in answer.err
    assert json.loads((run / "run.json").read_text())["verb"] == "train"


def test_inferring_again_into_one_folder_replaces_its_own_maps(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    assert _infer(model, tmp_path, _scan(tiny_cohort)).code == 0
    assert _infer(model, tmp_path, _scan(tiny_cohort)).code == 0


def test_an_incomplete_study_folder_never_stops_the_others(
    brats_model: Path, brats_cohort: Path, tmp_path: Path
) -> None:
    cohort = Path(shutil.copytree(brats_cohort, tmp_path / "cohort"))
    next((cohort / "Phantom_001").glob("*_t2.nii.gz")).unlink()
    assert _infer(brats_model, tmp_path / "out", cohort).code == 3
    studies = {one["study"]: one for one in json.loads((tmp_path / "out" / "run.json").read_text())["studies"]}
    assert studies["Phantom_000"]["reason"] is None
    assert "t2" in studies["Phantom_001"]["reason"]


def test_two_studies_of_one_name_are_refused(model: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(_scan(tiny_cohort), tmp_path / "other")
    answer = _infer(model, tmp_path / "out", _scan(tiny_cohort), tmp_path / "other" / "phantom_000.nii.gz")
    assert answer.code == 1
    assert "stands in 2 inputs" in answer.err
    assert not (tmp_path / "out").exists()


# Stock MONAI


def _assert_same_labels(bundle: Path, inputs: Path, stock_maps: dict[str, Path], output: Path) -> None:
    assert _infer(bundle, output, inputs, words=("--exact",)).code == 0
    assert stock_maps
    for study, path in stock_maps.items():
        ours, theirs = nibabel.load(output / f"{study}.nii.gz"), nibabel.load(path)
        assert np.array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
        assert np.allclose(ours.affine, theirs.affine, atol=1e-4)


def test_stock_monai_gives_the_label_maps_of_medseg_for_a_trained_run(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path, stock: Callable[[Path, Path, Path], dict[str, Path]]
) -> None:
    data = tmp_path / "scans"
    data.mkdir()
    for number in (0, 1):
        shutil.copy(_scan(tiny_cohort, number), data)
    _write(data / "lps.nii.gz", _LPS, (22, 26, 19))
    _write(data / "thick.nii.gz", _SAGITTAL_THICK, (24, 20, 8))
    maps = stock(tiny_run / "bundle", data, tmp_path / "stock")
    assert len(maps) == 4
    _assert_same_labels(tiny_run, data, maps, tmp_path / "ours")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in (tiny.CHECKOUT / "bundles").iterdir() if path.is_dir()))
def test_stock_monai_gives_the_label_maps_of_medseg_for_every_bundle(
    name: str,
    brats_cohort: Path,
    tiny_cohort: Path,
    tmp_path: Path,
    stock: Callable[[Path, Path, Path], dict[str, Path]],
) -> None:
    bundle = tiny.add_random_weights(Path(shutil.copytree(tiny.CHECKOUT / "bundles" / name, tmp_path / name)))
    data = brats_cohort
    if "hippocampus" in name:
        data = tmp_path / "scans"
        data.mkdir()
        shutil.copy(_scan(tiny_cohort), data)
    _assert_same_labels(bundle, data, stock(bundle, data, tmp_path / "stock"), tmp_path / "ours")


def test_a_study_that_fails_the_second_time_leaves_no_result_of_the_first(model: Path, tmp_path: Path) -> None:
    cohort = tiny.write_tiny_cohort(tmp_path / "cohort", studies=2)
    scans, out = cohort / "imagesTr", tmp_path / "out"
    assert _infer(model, out, scans).code == 0
    scan = sorted(scans.iterdir())[0]
    scan.write_bytes(scan.read_bytes()[:-200])
    answer = _infer(model, out, scans)
    assert answer.code == 3, answer.err
    assert sorted(path.name for path in out.glob("*.nii.gz")) == [sorted(scans.iterdir())[1].name]
