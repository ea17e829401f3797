from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.matching import match_channels


def dataset(*names: str) -> Dataset:
    files = {name: ChannelFile(Path(f"{name}.nii")) for name in names}
    return Dataset("a test", Path("/data"), (Study("s", "s", files),), names)


def test_channels_are_renamed_and_ordered_as_the_bundle_wants_them() -> None:
    matched = match_channels(dataset("FLAIR", "T1w", "t1-Gd"), [("t1", "T1W"), ("t1c", "t1gd"), ("flair",)])
    assert matched.channel_names == ("t1", "t1c", "flair")
    (study,) = matched.studies
    assert {name: file.path.name for name, file in study.channels.items()} == {
        "t1": "T1w.nii",
        "t1c": "t1-Gd.nii",
        "flair": "FLAIR.nii",
    }
    assert list(study.channels) == ["t1", "t1c", "flair"]
    assert matched.notes == ()


def test_channels_that_are_not_wanted_are_left_out_with_a_note() -> None:
    matched = match_channels(dataset("t1", "t2", "flair"), [("flair",)])
    assert list(matched.studies[0].channels) == ["flair"]
    assert matched.notes == ("channels not used by the bundle: t1, t2",)


def test_one_wanted_and_one_offered_match_whatever_their_names() -> None:
    matched = match_channels(dataset("MRI"), [("t1",)])
    assert list(matched.studies[0].channels) == ["t1"]
    assert matched.notes == ("channel 'MRI' is taken as the bundle's only channel, 't1'",)


def test_all_missing_and_doubtful_channels_are_told_with_both_lists() -> None:
    with pytest.raises(DatalistError) as caught:
        match_channels(dataset("t1", "T1w", "pd"), [("t1", "t1w"), ("t2", "t2w"), ("flair",)])
    message = str(caught.value)
    assert "has the channels t1, T1w, pd; the bundle takes t1, t2, flair: 3 faults" in message
    assert "channel t1 could be t1 or T1w; keep one" in message
    assert "channel t2 is missing (also known as t2w)" in message
    assert "channel flair is missing" in message
