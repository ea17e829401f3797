"""A pair is read into classes on one grid; a bad prediction is a failure, a bad reference leaves the study out."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from label_files import AFFINE, SHAPE, boxes, nifti, run_json
from label_reads import CLASSES, LABELS, failed, file, left_out, maps, moved, one

from medseg.core.errors import DatalistError
from medseg.core.labels import Label, LabelSet
from medseg.core.study import ChannelFile
from medseg.core.volume import Volume
from medseg.io.nifti import write_volume
from medseg.steps.label_classes import Labels, labels_of
from medseg.steps.label_maps import LabelFile, find_label_maps
from medseg.steps.label_pairs import Pair, Pairs, pair
from medseg.steps.label_reading import PairMaps, look, read_image


def test_written_values_become_classes(tmp_path: Path) -> None:
    read = maps(one(nifti(tmp_path / "p.nii.gz", boxes() // 2 * 2), nifti(tmp_path / "r.nii")))
    assert np.array_equal(read.reference, CLASSES)
    assert read.prediction is not None
    assert np.array_equal(read.prediction, np.where(CLASSES == 1, 0, CLASSES))
    assert np.allclose(read.affine_ras, AFFINE)
    assert read.failure == ""


def test_references_of_2023_are_scored_against_predictions_of_either_generation(tmp_path: Path) -> None:
    labels = Labels(LABELS.label_set, {1: "NCR", 2: "ED", 3: "ET"})
    reference = nifti(tmp_path / "r.nii", CLASSES.astype(np.uint8))  # ET is 3 there
    for values in (boxes(), CLASSES.astype(np.uint8)):
        read = maps(one(nifti(tmp_path / "p.nii", values), reference), labels)
        assert np.array_equal(read.prediction, CLASSES)
        assert np.array_equal(read.reference, CLASSES)


def test_a_missing_prediction_keeps_its_reason(tmp_path: Path) -> None:
    pair = Pair("P1", file(nifti(tmp_path / "r.nii")), None, "there is no prediction: the scanner was on fire")
    assert failed(pair) == "there is no prediction: the scanner was on fire"
    assert np.array_equal(maps(pair).reference, CLASSES)


def test_a_damaged_prediction_is_a_failure_and_a_damaged_reference_leaves_the_study_out(tmp_path: Path) -> None:
    good, bad = nifti(tmp_path / "good.nii.gz"), nifti(tmp_path / "bad.nii.gz")
    bad.write_bytes(bad.read_bytes()[:-30])
    assert failed(one(bad, good)).startswith(f"the prediction cannot be used: '{bad}': truncated")
    assert left_out(one(good, bad)).startswith(
        f"study 'P1' is left out, its reference cannot be used: '{bad}': truncated"
    )
    assert left_out(one(bad, tmp_path / "absent.nii.gz")).endswith("no such file")


def test_probabilities_are_no_labels(tmp_path: Path) -> None:
    write_volume(tmp_path / "p.nii.gz", Volume(np.full((1, *SHAPE), 0.5, np.float32), AFFINE))
    assert "480 voxels such as 0.5 are no label values" in failed(one(tmp_path / "p.nii.gz", nifti(tmp_path / "r.nii")))


def test_several_channels_are_no_label_map(tmp_path: Path) -> None:
    write_volume(tmp_path / "p.nii.gz", Volume(np.zeros((2, *SHAPE), np.uint8), AFFINE))
    assert "one channel; this file has 2" in failed(one(tmp_path / "p.nii.gz", nifti(tmp_path / "r.nii")))


def test_an_unknown_value_is_named_with_the_known_ones_and_what_to_do(tmp_path: Path) -> None:
    good, odd = nifti(tmp_path / "good.nii"), nifti(tmp_path / "odd.nii", boxes() + 8 * (boxes() == 1))
    told = f"'{odd}': value 9 is no label; known are 1 NCR, 2 ED, 4 ET. Name the labels with --labels FILE"
    assert told in failed(one(odd, good))
    assert told in left_out(one(good, odd))


def test_many_unknown_values_are_counted(tmp_path: Path) -> None:
    many = nifti(tmp_path / "p.nii", np.arange(480).reshape(SHAPE).astype(np.uint8))
    assert "values 3, 5, 6, 7, 8 and 247 more are no labels" in failed(one(many, nifti(tmp_path / "r.nii")))


def test_two_values_for_one_label_in_one_map_are_not_merged(tmp_path: Path) -> None:
    labels = Labels(LABELS.label_set, {1: "NCR", 2: "ED", 3: "ET"})
    both = nifti(tmp_path / "p.nii", np.where(boxes() == 2, 3, boxes()).astype(np.uint8))
    read = maps(one(both, nifti(tmp_path / "r.nii", np.zeros(SHAPE, np.uint8))), labels)
    assert "values 3 and 4 both mean ET" in read.failure


def test_another_grid_is_a_failure_with_the_distance(tmp_path: Path) -> None:
    reference = nifti(tmp_path / "r.nii")
    assert failed(one(nifti(tmp_path / "p.nii", affine=moved(0.5)), reference)).startswith(
        "the prediction is on another grid: corners lie 0.5 mm apart (limit 0.001 mm)"
    )
    cut = nifti(tmp_path / "cut.nii", boxes()[:, :, 1:])
    assert failed(one(cut, reference)) == "the prediction is on another grid: shape 10x8x5 against 10x8x6"


def test_looking_tells_from_headers_what_cannot_be_scored(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for study in ("P1", "P2", "P3", "P4", "P5"):
        nifti(ours / f"{study}.nii.gz")
        nifti(theirs / f"{study}.nii.gz")
    (ours / "P2.nii.gz").write_bytes(b"")
    nifti(ours / "P3.nii.gz", affine=moved(1))
    (theirs / "P4.nii.gz").write_bytes(b"")
    pairs = look(pair(find_label_maps(ours), find_label_maps(theirs)), LABELS)
    assert [(one.study, one.prediction is not None) for one in pairs.pairs] == [
        ("P1", True),
        ("P2", False),
        ("P3", False),
        ("P5", True),
    ]
    assert "cannot be used" in pairs.pairs[1].reason
    assert "is on another grid" in pairs.pairs[2].reason
    assert [sentence[:22] for sentence in pairs.left_out] == ["study 'P4' is left out"]
    assert pickle.loads(pickle.dumps((pairs, LABELS))) == (pairs, LABELS)


def test_a_folder_of_images_as_references_is_told_at_once(tmp_path: Path) -> None:
    for study in range(5):
        nifti(tmp_path / f"P{study}.nii", np.arange(480).reshape(SHAPE).astype(np.uint8))
    maps = find_label_maps(tmp_path)
    with pytest.raises(DatalistError, match=r"The references hold no label maps to score:\n(  study.*\n?){3}$"):
        look(pair(maps, maps), LABELS)


def test_references_of_which_none_can_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "P1.nii").write_bytes(b"")
    maps = find_label_maps(tmp_path)
    with pytest.raises(DatalistError, match="No reference can be used:"):
        look(pair(maps, maps), LABELS)


def test_looking_keeps_the_notes(tmp_path: Path) -> None:
    pairs = Pairs((one(nifti(tmp_path / "p.nii"), nifti(tmp_path / "r.nii")),), notes=("read so",))
    assert look(pairs, LABELS).notes == ("read so",)


def test_labels_that_the_inference_recorded_are_not_swapped(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    theirs.mkdir()
    nifti(theirs / "P1.nii.gz", boxes())
    swapped = np.choose(boxes(), [0, 2, 1, 3, 4]).astype(np.uint8)
    nifti(ours / "P1.nii.gz", swapped)
    (theirs / "dataset.json").write_text(json.dumps({"labels": {"NCR": 1, "ED": 2, "ET": 4}}))
    told = {"study": "P1", "reason": None, "labels": {"1": 9, "2": 8, "4": 1}}
    run_json(ours, [told | {"label_names": {"1": "ED", "2": "NCR", "4": "ET"}}])
    bundle = LabelSet((Label("ED", 1), Label("NCR", 2), Label("ET", 4)))
    predictions, references = find_label_maps(ours), find_label_maps(theirs)
    labels = labels_of(predictions, references, bundle)
    read = maps(Pair("P1", references.files["P1"], predictions.files["P1"]), labels)
    assert read.reference.any()
    assert np.array_equal(read.prediction, read.reference)
    run_json(ours, [told])  # as an earlier version wrote it
    with pytest.raises(DatalistError, match="nothing tells whether predictions mean 1 ED, 2 NCR, 4 ET"):
        labels_of(find_label_maps(ours), references, bundle)


def test_the_image_of_a_reference_is_read_where_it_lies_on_the_same_grid(tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    write_volume(tmp_path / "image.nii.gz", Volume(voxels, AFFINE))
    reference = nifti(tmp_path / "r.nii")
    for index, affine, expected in (
        (1, AFFINE, voxels[1]),
        (None, AFFINE, None),
        (1, moved(1), None),
        (7, AFFINE, None),
    ):
        image = ChannelFile(tmp_path / "image.nii.gz", index)
        shown = Pair("P1", LabelFile("P1", reference, "nifti", "P1", image), None)
        read = read_image(shown, PairMaps("P1", None, boxes(), affine))
        assert (read is None) == (expected is None)
        assert expected is None or np.array_equal(np.asarray(read), expected)
    assert read_image(Pair("P1", file(reference), None), PairMaps("P1", None, boxes(), AFFINE)) is None


@pytest.mark.realdata
def test_real_labels_against_themselves_are_equal_as_folder_and_as_dataset(real_data: Path) -> None:
    root = real_data / "Task04_Hippocampus"
    folder, dataset = find_label_maps(root / "labelsTr"), find_label_maps(root)
    count = len(list((root / "labelsTr").glob("hippocampus_*.nii.gz")))
    for references in (folder, dataset):
        labels = labels_of(folder, references, None)
        assert list(labels.values) == (["1", "2"] if references is folder else ["Anterior", "Posterior"])
        pairs = look(pair(folder, references), labels)
        assert (len(pairs.pairs), pairs.left_out) == (count, ())
        for two in pairs.pairs[:20]:
            read = maps(two, labels)
            assert np.array_equal(read.prediction, read.reference)
            assert set(np.unique(read.reference)) <= {0, 1, 2}
            image = read_image(two, read)
            assert (image is not None) == (references is dataset)


@pytest.mark.realdata
def test_real_brats_labels_are_scored_against_written_maps(real_data: Path, tmp_path: Path) -> None:
    from medseg.io.nifti import read_label, write_label_map

    references = find_label_maps(real_data / "BraTS2021")
    for n, label in enumerate(references.files.values()):
        array, _ = read_label(label.path)
        written = np.where(array == 2, 3, array) if n % 2 else array
        write_label_map(tmp_path / f"{label.study}.nii.gz", written, like=label.path)
    predictions = find_label_maps(tmp_path)
    labels = labels_of(predictions, references, LABELS.label_set)
    pairs = look(pair(predictions, references), labels)
    for n, two in enumerate(pairs.pairs[:2]):
        read = maps(two, labels)
        if n % 2:
            assert "value 3 is no label; known are 1 NCR, 2 ED, 4 ET" in read.failure
        else:
            assert np.array_equal(read.prediction, read.reference)
            assert read_image(two, read) is not None
