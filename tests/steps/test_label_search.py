"""Where nobody says what to score, the references do: a label for each value or segment they hold."""

from pathlib import Path

import numpy as np
import pytest
from label_files import boxes, masks_of, nifti, seg

from medseg.core.errors import DatalistError
from medseg.core.labels import Label
from medseg.core.volume import Volume
from medseg.io.nifti import write_volume
from medseg.steps.label_maps import find_label_maps
from medseg.steps.label_search import Held, declared_labels, held_in, search_labels, values_in


def test_each_value_of_any_reference_is_a_label_named_by_its_number(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz")
    nifti(tmp_path / "P2.nii.gz", boxes() // 4 * 7)
    (tmp_path / "P3.nii.gz").write_bytes(b"damaged")
    found = search_labels(find_label_maps(tmp_path))
    assert found.labels == tuple(Label(str(value), value) for value in (1, 2, 4, 7))


def test_each_segment_of_any_reference_is_a_label_whatever_its_spelling(tmp_path: Path) -> None:
    seg(tmp_path / "P1.dcm", masks_of(boxes(), {"Edema": 2, "core": 1}))
    seg(tmp_path / "P2.dcm", masks_of(boxes(), {"edema": 2, "air": 4}))
    found = search_labels(find_label_maps(tmp_path))
    assert found.labels == (Label("Edema", 1), Label("air", 2), Label("core", 3))


def test_an_image_is_told_from_a_label_map_by_its_many_values(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz", np.arange(120, dtype=np.uint8).reshape(4, 5, 6))
    with pytest.raises(DatalistError, match=r"as images do[^\n]*\n.*P1.nii.gz' holds 119 values"):
        search_labels(find_label_maps(tmp_path))


def test_probabilities_alone_are_no_label_maps(tmp_path: Path) -> None:
    write_volume(tmp_path / "P1.nii.gz", Volume(np.full((1, 2, 2, 2), 0.5, np.float32), np.eye(4)))
    with pytest.raises(DatalistError, match=r"hold no label map:\n.*8 voxels such as 0.5 are no label values"):
        search_labels(find_label_maps(tmp_path))


def test_many_labels_in_all_are_too_many(tmp_path: Path) -> None:
    for study, start in (("P1", 1), ("P2", 61)):
        nifti(tmp_path / f"{study}.nii.gz", np.arange(start, start + 60, dtype=np.uint8).reshape(3, 4, 5))
    with pytest.raises(DatalistError, match="120 labels in all; up to 100 are taken"):
        search_labels(find_label_maps(tmp_path))


def test_empty_references_and_both_kinds_at_once_are_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "P1.nii.gz", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(DatalistError, match="every map is empty"):
        search_labels(find_label_maps(tmp_path))
    nifti(tmp_path / "P2.nii.gz")
    seg(tmp_path / "P3.dcm", masks_of(boxes(), {"core": 1}))
    with pytest.raises(DatalistError, match="some number their labels, others name their segments"):
        search_labels(find_label_maps(tmp_path))


def test_what_one_map_holds_is_told_with_its_file(tmp_path: Path) -> None:
    file = find_label_maps(nifti(tmp_path / "P1.nii.gz")).files["P1"]
    assert held_in(file) == Held(str(tmp_path / "P1.nii.gz"), (1, 2, 4))


def test_values_are_counted_in_any_memory_order() -> None:
    assert values_in(boxes()) == values_in(np.asfortranarray(boxes())) == [1, 2, 4]


def test_declared_labels_come_in_the_order_of_their_values() -> None:
    assert declared_labels({4: "ET", 0: "background", 1: "NCR"}).labels == (Label("NCR", 1), Label("ET", 4))
