from typing import Any

import pytest

from medseg.bundle.foreign_names import foreign_names


def _metadata(channels: Any, classes: Any) -> dict[str, Any]:
    tensors = {"inputs": {"image": {"channel_def": channels}}, "outputs": {"pred": {"channel_def": classes}}}
    return {"network_data_format": tensors}


def test_names_come_from_the_channel_definitions() -> None:
    metadata = _metadata({"0": "T1"}, {"0": "background", "1": " spleen"})
    assert foreign_names(metadata, {}) == (["T1"], ["background", "spleen"], [])


def test_what_cannot_be_mistaken_is_filled_in() -> None:
    network = {"in_channels": 1, "out_channels": 3}
    assert foreign_names({}, network) == (["image"], ["background", "class 1", "class 2"], [])
    channels, classes, faults = foreign_names(_metadata({}, {"1": "liver"}), {"in_channels": 1, "num_classes": 2})
    assert (channels, classes, faults) == (["image"], ["background", "liver"], [])


def test_a_wrong_num_channels_of_metadata_does_not_count() -> None:
    metadata = _metadata({"0": "CT"}, {"0": "background", "1": "spleen"})
    metadata["network_data_format"]["outputs"]["pred"]["num_channels"] = 7
    assert foreign_names(metadata, {"in_channels": 1, "out_channels": 2})[2] == []


@pytest.mark.parametrize(
    ("channels", "classes", "network", "reason"),
    [
        ({"0": "CT"}, {}, {}, "outputs.pred.channel_def names nothing; wanted are 0, 1, 2"),
        ({"0": "CT"}, {"0": "background", "2": "spleen"}, {}, "without a gap"),
        ({"0": "CT"}, {"0": "background", "2": "spleen"}, {"out_channels": 2}, "wanted are 0 to 1: network_def has 2"),
        ({"0": "CT"}, {"0": "lesion"}, {"out_channels": 1}, "gives 1 class"),
        ({"0": "CT"}, {"0": "background", "1": "a", "2": "a"}, {}, "'a' is named twice"),
        ({"0": "CT"}, {"0": "background", "1": "spleen"}, {"in_channels": 3}, "network_def has 3, each a scan"),
        ({}, {"0": "background", "1": "spleen"}, {"in_channels": 4}, "network_def has 4, each a scan"),
    ],
)
def test_names_that_would_be_wrong_are_refused(
    channels: dict[str, str], classes: dict[str, str], network: dict[str, int], reason: str
) -> None:
    (fault,) = foreign_names(_metadata(channels, classes), network)[2]
    assert reason in fault
