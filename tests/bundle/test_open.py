import shutil
from pathlib import Path

import pytest

from medseg.bundle.contents import contents_of
from medseg.bundle.minisign import SecretKey
from medseg.bundle.open import folder_of, place_of
from medseg.bundle.trust import Trust
from medseg.core.errors import BundleError
from tests.packages import Packaged, packaged

KEY, OTHER = SecretKey(bytes(8), bytes(32)), SecretKey(bytes([1] * 8), bytes([1] * 32))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where zips are unpacked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "medseg" / "bundles"


@pytest.fixture
def package(tmp_path: Path, cache: Path) -> Packaged:
    """A signed package, as a zip and as a folder."""
    return packaged(tmp_path, key=KEY)


def _rezipped(package: Packaged) -> Path:
    root = package.bundle.root
    return Path(shutil.make_archive(str(root.parent / "altered"), "zip", root.parent, root.name))


def test_a_zip_is_a_place_and_so_is_a_folder(package: Packaged) -> None:
    assert place_of(str(package.zip)) == package.zip.resolve()
    assert place_of(str(package.bundle.root)) == package.bundle.root


@pytest.mark.parametrize("text", ["", " ", "no such bundle", "no such.zip", "x" * 5000, "a\0b"])
def test_what_is_no_bundle_is_refused(cache: Path, text: str) -> None:
    with pytest.raises(BundleError, match="No bundle"):
        place_of(text)


def test_a_folder_is_used_where_it_lies_and_a_zip_in_the_cache(package: Packaged, cache: Path) -> None:
    assert folder_of(str(package.bundle.root)) == package.bundle.root
    assert not cache.exists()
    folder = folder_of(str(package.zip))
    assert folder.parents[1] == cache
    assert contents_of(folder).names == contents_of(package.bundle.root).names


def test_a_bundle_that_was_never_sealed_is_used_where_nobody_demands_a_signature(package: Packaged) -> None:
    (package.bundle.root / "manifest.json").unlink()
    assert folder_of(str(package.bundle.root)) == package.bundle.root
    with pytest.raises(BundleError, match="is not signed, and --key demands it"):
        folder_of(str(package.bundle.root), Trust(key=KEY.public.text))


def test_a_signature_of_another_keeps_a_zip_from_being_unpacked(package: Packaged, cache: Path) -> None:
    with pytest.raises(BundleError, match="signed by key 0000000000000000"):
        folder_of(str(package.zip), Trust(key=OTHER.public.text))
    assert not cache.exists()
    assert folder_of(str(package.zip), Trust(key=KEY.public.text)).is_dir()


def test_an_altered_folder_is_refused(package: Packaged) -> None:
    (package.bundle.root / "docs" / "note.txt").write_text("other")
    with pytest.raises(BundleError, match=r"docs/note\.txt was altered"):
        folder_of(str(package.bundle.root))


def test_an_altered_zip_is_refused_and_nothing_of_it_is_kept(package: Packaged, cache: Path) -> None:
    (package.bundle.root / "docs" / "note.txt").write_text("other")
    with pytest.raises(BundleError, match=r"docs/note\.txt was altered"):
        folder_of(str(_rezipped(package)))
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["docs/note.txt", "manifest.json", "sitecustomize.py"])
def test_what_was_changed_in_the_cache_is_unpacked_again(package: Packaged, name: str) -> None:
    folder = folder_of(str(package.zip))
    (folder / name).write_text("evil!")  # as long as what is there: sizes do not tell
    assert folder_of(str(package.zip)) == folder
    assert contents_of(folder).names == contents_of(package.bundle.root).names
    assert (folder / "docs" / "note.txt").read_text() == "first"


def test_what_was_added_to_the_cache_of_a_bundle_without_a_manifest_is_removed(package: Packaged, cache: Path) -> None:
    (package.bundle.root / "manifest.json").unlink()
    path = _rezipped(package)
    folder = folder_of(str(path))
    (folder / "configs" / "series.yaml").unlink()
    (folder / "evil.py").touch()
    assert contents_of(folder_of(str(path))).names == contents_of(package.bundle.root).names
