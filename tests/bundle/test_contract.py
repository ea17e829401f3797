from typing import Any

import pytest

from medseg.bundle.contract import contract_faults, middle_transforms
from medseg.bundle.safety import PARTS


def test_the_portable_shape_has_no_fault(inference: dict[str, Any]) -> None:
    assert contract_faults(inference) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named(inference: dict[str, Any], part: str) -> None:
    del inference[part]
    assert contract_faults(inference) == [f"{part}: missing; it must be keys and values with a _target_"]


def test_preprocessing_must_open_with_the_reader(inference: dict[str, Any]) -> None:
    del inference["preprocessing"]["transforms"][0]
    (fault,) = contract_faults(inference)
    assert fault.startswith("preprocessing.transforms.0: is monai.transforms.Orientationd; the first must be")


def test_postprocessing_must_end_with_the_writer(inference: dict[str, Any]) -> None:
    del inference["postprocessing"]["transforms"][-1]
    assert any("the last must be monai.transforms.SaveImaged" in fault for fault in contract_faults(inference))


def test_array_transforms_are_refused(inference: dict[str, Any]) -> None:
    inference["preprocessing"]["transforms"][2]["_target_"] = "monai.transforms.NormalizeIntensity"
    assert "is not a dictionary transform" in contract_faults(inference)[0]


@pytest.mark.parametrize("broken", [{"_target_": "monai.transforms.OneOf"}, {"transforms": []}, {"transforms": "x"}])
def test_a_list_of_transforms_must_be_a_compose(inference: dict[str, Any], broken: dict[str, Any]) -> None:
    inference["preprocessing"] |= broken
    assert contract_faults(inference) == ["preprocessing: must be a monai.transforms.Compose with a list of transforms"]


def test_the_middle_holds_neither_reader_nor_writer(inference: dict[str, Any]) -> None:
    names = [item["_target_"].rsplit(".")[-1] for part in PARTS[1::2] for item in middle_transforms(inference[part])]
    assert names == ["Orientationd", "NormalizeIntensityd", "Activationsd", "Invertd", "AsDiscreted"]
