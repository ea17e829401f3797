import os
from pathlib import Path

import numpy as np
import pytest

from medseg.core.errors import OutputError
from medseg.transforms.cache import DiskCache
from medseg.transforms.prepared import Prepared


def make_study(value: float = 1.0) -> Prepared:
    label = np.zeros((4, 5, 6), np.uint8)
    label[1, 2, 3] = 2
    positions = {2: np.array([[1, 2, 3]], np.int32)}
    return Prepared("P1", np.full((2, 4, 5, 6), value, np.float32), label, positions, (0.5, 1.0, 2.0))


def same(one: Prepared, other: Prepared) -> bool:
    return (
        (one.id, one.spacing_mm, set(one.positions)) == (other.id, other.spacing_mm, set(other.positions))
        and np.array_equal(one.image, other.image)
        and np.array_equal(one.label, other.label)
        and all(np.array_equal(one.positions[index], other.positions[index]) for index in one.positions)
    )


def test_what_is_stored_comes_back_mapped_from_disk(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "new" / "cache")
    stored = cache.store("key", make_study())
    assert same(stored, make_study())
    assert isinstance(stored.image, np.memmap)
    assert same(cache.load("key"), make_study())


def test_an_unknown_key_gives_nothing(tmp_path: Path) -> None:
    assert DiskCache(tmp_path).load("key") is None


def test_a_study_without_foreground_comes_back_without_positions(tmp_path: Path) -> None:
    study = Prepared("P2", np.ones((1, 2, 2, 2), np.float32), np.zeros((2, 2, 2), np.uint8), {}, (1.0, 1.0, 1.0))
    assert DiskCache(tmp_path).store("key", study).positions == {}


@pytest.mark.parametrize("name", ["image.npy", "label.npy", "facts.npz"])
@pytest.mark.parametrize("damage", ["absent", "empty", "cut"])
def test_a_damaged_entry_counts_as_absent_and_is_replaced(name: str, damage: str, tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.store("key", make_study())
    file = tmp_path / "key" / name
    content = file.read_bytes()
    file.unlink()
    if damage != "absent":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert cache.load("key") is None
    assert same(cache.store("key", make_study(2.0)), make_study(2.0))


def test_an_entry_that_another_process_wrote_first_is_kept(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.store("key", make_study())
    assert same(cache.store("key", make_study()), make_study())
    assert os.listdir(tmp_path) == ["key"], "no temporary folder is left"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write the cache .*--cache memory or another --cache-dir"):
        DiskCache(tmp_path / "file" / "cache").store("key", make_study())


def test_a_full_disk_leaves_no_half_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match="No space left on device"):
        DiskCache(tmp_path).store("key", make_study())
    assert os.listdir(tmp_path) == []
