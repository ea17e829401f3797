import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.golden import FILE, Golden, channel_file, read_golden, write_golden
from medseg.core.errors import BundleError, ConfigError

GOLDEN = Golden(
    "drawn", "Apache-2.0", {"t1": "golden/input/channel_0.nii.gz"}, "golden/expected.nii.gz", {"core": 7, "rim": 0}
)


def _with(root: Path, **changes: Any) -> Path:
    write_golden(root, GOLDEN)
    values = json.loads((root / FILE).read_text()) | changes
    (root / FILE).write_text(json.dumps({key: value for key, value in values.items() if value != "absent"}))
    return root


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_golden(tmp_path, GOLDEN)
    assert read_golden(tmp_path, ("t1",)) == GOLDEN


def test_files_are_numbered_since_channels_have_names_that_files_may_not_have() -> None:
    assert channel_file(3).as_posix() == "golden/input/channel_3.nii.gz"


def test_no_golden_study_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"has no golden study \(golden/golden\.json\); `medseg package` makes one"):
        read_golden(tmp_path, ("t1",))


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "absent"},
        {"licence": 3},
        {"expected": ["a"]},
        {"expected": "a\0b"},
        {"expected": "a\x1b[2Kb"},
        {"channels": "absent"},
        {"channels": {}},
        {"channels": {"t2": "a.nii.gz"}},
        {"channels": {"t1": "a.nii.gz", "t2": "b.nii.gz"}},
        {"channels": {"t1": 1}},
        {"channels": {"t1": "a\nb"}},
        {"voxels": [7]},
        {"voxels": {"core": "many"}},
    ],
)
def test_what_is_no_golden_study_of_these_channels_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="is no golden study of channels t1"):
        read_golden(_with(tmp_path, **changes), ("t1",))


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    _with(tmp_path)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ConfigError, match=r"golden\.json: line 1"):
        read_golden(tmp_path, ("t1",))


@pytest.mark.parametrize("path", ["../a.nii.gz", "/etc/passwd", "golden/../../a.nii.gz", ".", "out/a.nii.gz", "loop"])
@pytest.mark.parametrize("what", ["scan", "label map"])
def test_a_file_outside_of_the_bundle_is_refused(tmp_path: Path, path: str, what: str) -> None:
    root = tmp_path / "bundle"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to("/proc/self/root")
    _with(root, **({"channels": {"t1": path}} if what == "scan" else {"expected": path}))
    with pytest.raises(BundleError, match="lies outside of the bundle"):
        read_golden(root, ("t1",))


def test_a_link_to_itself_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert read_golden(_with(tmp_path, expected="loop"), ("t1",)) == replace(GOLDEN, expected="loop")


def test_a_bundle_behind_a_link_holds_its_golden_study(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert read_golden(_with(tmp_path / "link"), ("t1",)) == GOLDEN
