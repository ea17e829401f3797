import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.contents import contents_of
from medseg.bundle.manifest import (
    MANIFEST,
    SIGNATURE,
    altered_files,
    manifest_digest,
    manifest_text,
    read_manifest,
    sealed_names,
)
from medseg.core.errors import BundleError

_FACTS = {"name": "brats", "version": "1.0"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Three files and their manifest."""
    for name, text in {"LICENSE": "as you like", "configs/metadata.json": "{}", "docs/a/b.md": ""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / MANIFEST).write_text(manifest_text(contents_of(tmp_path), _FACTS))
    return tmp_path


def _altered(bundle: Path) -> list[str]:
    contents = contents_of(bundle)
    return altered_files(contents, read_manifest(contents))


def test_a_manifest_has_size_and_sha_256_of_every_file_but_itself(bundle: Path) -> None:
    files = read_manifest(contents_of(bundle))["files"]
    assert set(files) == {"LICENSE", "configs/metadata.json", "docs/a/b.md"}
    assert files["LICENSE"] == {"bytes": 11, "sha256": hashlib.sha256(b"as you like").hexdigest()}


def test_what_was_not_touched_is_as_the_manifest_says(bundle: Path) -> None:
    assert _altered(bundle) == []


def test_every_file_that_was_touched_is_named(bundle: Path) -> None:
    (bundle / "LICENSE").write_text("as you wish")
    (bundle / "configs" / "metadata.json").unlink()
    (bundle / "docs" / "a" / "b.md").write_text("longer")
    (bundle / "docs" / "c.md").write_text("")
    assert _altered(bundle) == [
        "configs/metadata.json is missing",
        "docs/c.md was added: the manifest does not know it",
        "LICENSE was altered",
        "docs/a/b.md was altered",
    ]


def test_the_signature_and_what_file_managers_leave_are_no_files_of_a_bundle(bundle: Path) -> None:
    for name in (SIGNATURE, ".DS_Store", "docs/Thumbs.db"):
        (bundle / name).write_text("x")
    assert _altered(bundle) == []
    assert SIGNATURE not in sealed_names(contents_of(bundle))


def test_a_manifest_that_knows_itself_is_not_believed(bundle: Path) -> None:
    manifest = read_manifest(contents_of(bundle))
    manifest["files"][MANIFEST] = manifest["files"]["LICENSE"]
    assert altered_files(contents_of(bundle), manifest) == [f"{MANIFEST} is missing"]


def test_a_name_that_would_move_the_cursor_is_shown_in_signs(bundle: Path) -> None:
    (bundle / "a\x1b[2K").write_text("")
    assert _altered(bundle) == ["'a\\x1b[2K' was added: the manifest does not know it"]


def test_the_digest_of_a_manifest_is_that_of_its_bytes(bundle: Path) -> None:
    expected = hashlib.sha256((bundle / MANIFEST).read_bytes()).hexdigest()
    assert manifest_digest(contents_of(bundle)) == expected


_ENTRY = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    "values",
    [
        {},
        [],
        {"format": 2, **_FACTS, "files": {}, "sha256": ""},
        {"format": 1, "name": "brats", "files": {}, "sha256": ""},
        {"format": 1, **_FACTS, "name": 3, "files": {}, "sha256": ""},
        {"format": 1, **_FACTS, "name": "a\x1b[2K", "files": {}, "sha256": ""},
        {"format": 1, **_FACTS, "files": ["LICENSE"], "sha256": ""},
        {"format": 1, **_FACTS, "files": {"a\nb": _ENTRY}, "sha256": ""},
        {"format": 1, **_FACTS, "files": {"a": "0" * 64}, "sha256": ""},
        {"format": 1, **_FACTS, "files": {"a": {**_ENTRY, "bytes": "1"}}, "sha256": ""},
        {"format": 1, **_FACTS, "files": {"a": {**_ENTRY, "sha256": "0" * 63}}, "sha256": ""},
        {"format": 1, **_FACTS, "files": {"a": {**_ENTRY, "sha256": "A" * 64}}, "sha256": ""},
        {"format": 1, **_FACTS, "files": {}},
        {"format": 1, **_FACTS, "files": {}, "sha256": "", "signer": 3},
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, values: Any) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(values))
    with pytest.raises(BundleError, match=r"no manifest of format 1|holds list"):
        read_manifest(contents_of(tmp_path))


def test_a_manifest_that_was_touched_is_refused_by_name(bundle: Path) -> None:
    was = (bundle / MANIFEST).read_text()
    for old, new in (
        ("brats", "brain"),
        ("1.0", "1.1"),
        ("  ", "   "),
        ("\n", "\r\n"),
        ("}\n", "}"),
        ("LICENSE", "LICENCE"),
    ):
        (bundle / MANIFEST).write_bytes(was.replace(old, new).encode())
        with pytest.raises(BundleError, match=r"manifest\.json was altered"):
            read_manifest(contents_of(bundle))


def test_a_manifest_nested_deeply_is_looked_at_in_no_time(bundle: Path) -> None:
    was = (bundle / MANIFEST).read_text()
    for depth in (900, 990, 999):
        nested = "[" * depth + "0," * 10**5 + "0" + "]" * depth
        (bundle / MANIFEST).write_text(was.replace('"format": 1', f'"format": 1,\n  "deep": {nested}'))
        with pytest.raises(BundleError, match=r"manifest\.json"):
            read_manifest(contents_of(bundle))


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "format": 1}', '{"format": ' + "9" * 5000 + "}", "[" * 10**5])
def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match="Get the bundle again"):
        read_manifest(contents_of(tmp_path))


def test_no_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"has no manifest\.json"):
        read_manifest(contents_of(tmp_path))
