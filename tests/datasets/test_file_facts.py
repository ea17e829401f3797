import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medseg.core.files import digest_of_file
from medseg.datasets import file_facts
from medseg.datasets.file_facts import look_at_files

Write = Callable[..., Path]


def test_a_look_gives_grid_label_counts_and_digest(tmp_path: Path, scan: Write, label: Write) -> None:
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    image = scan(tmp_path / "a.nii.gz", np.zeros((2, 5, 4, 3), np.int16), affine)
    seg = label(tmp_path / "b.nii.gz", 4, 4, 2)
    facts = look_at_files([("image", image), ("label", seg), ("image", image)], cache=None)
    assert len(facts) == 2
    assert (facts["image", image].shape, facts["image", image].channels) == ((5, 4, 3), 2)
    np.testing.assert_allclose(facts["image", image].affine, affine)
    assert facts["image", image].voxels is None
    assert facts["label", seg].voxels == {0: 57, 2: 1, 4: 2}
    assert facts["label", seg].digest == digest_of_file(seg)


def test_a_bad_file_gives_a_fault_and_does_not_stop_the_others(tmp_path: Path, scan: Write) -> None:
    good, bad = scan(tmp_path / "a.nii"), tmp_path / "b.nii"
    bad.write_bytes(b"")
    facts = look_at_files([("image", bad), ("image", good)], cache=None)
    assert facts["image", good].fault is None
    assert facts["image", bad].fault == f"'{bad}': the file is empty"


def test_a_second_look_reads_nothing_until_a_file_changes(
    tmp_path: Path, scan: Write, label: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [("image", scan(tmp_path / "a.nii")), ("label", label(tmp_path / "b.nii", 1))]
    cache = tmp_path / "cache.json"
    first = look_at_files(files, cache=cache)  # type: ignore[arg-type]
    looks: list[Path] = []
    look = file_facts._look
    monkeypatch.setattr(file_facts, "_look", lambda role, path: looks.append(path) or look(role, path))
    assert look_at_files(files, cache=cache) == first  # type: ignore[arg-type]
    assert looks == []
    os.utime(files[0][1], ns=(0, 0))
    look_at_files(files, cache=cache)  # type: ignore[arg-type]
    assert looks == [files[0][1]]


def test_a_fault_is_looked_at_again(tmp_path: Path, scan: Write) -> None:
    path, cache = tmp_path / "a.nii", tmp_path / "cache.json"
    assert look_at_files([("image", path)], cache=cache)["image", path].fault
    scan(path)
    assert look_at_files([("image", path)], cache=cache)["image", path].fault is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 0, "files": {}}'])
def test_a_damaged_or_older_cache_is_replaced(tmp_path: Path, scan: Write, content: str) -> None:
    path, cache = scan(tmp_path / "a.nii"), tmp_path / "cache.json"
    cache.write_text(content)
    assert look_at_files([("image", path)], cache=cache)["image", path].fault is None
    assert len(json.loads(cache.read_text())["files"]) == 1


def test_progress_is_told(tmp_path: Path, scan: Write) -> None:
    seen: list[tuple[int, int]] = []
    files = [("image", scan(tmp_path / f"{n}.nii")) for n in "ab"]
    look_at_files(files, cache=None, seen=lambda done, count: seen.append((done, count)))  # type: ignore[arg-type]
    assert seen == [(1, 2), (2, 2)]
