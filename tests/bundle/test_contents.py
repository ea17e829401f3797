import contextlib
import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.bundle.contents import MOST_FILES, MOST_TEXT, contents_of, read_text, zip_faults
from medseg.core.errors import BundleError, MedsegError

_FILES = {"configs/metadata.json": b"{}", "models/model.pt": bytes(range(256)), "LICENSE": b"as you like\n"}


def _folder(root: Path) -> Path:
    for name, data in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def _zip(path: Path, top: str = "brats/", **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**_FILES, **more}.items():
            archive.writestr(top + name, data)
    return path


def _entry(name: str, **changes: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("x")
    entry.filename = entry.orig_filename = name
    entry.external_attr, entry.header_offset = 0o100644 << 16, 0
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry


@pytest.mark.parametrize("top", ["", "brats/"])
def test_a_zip_holds_what_the_folder_holds(tmp_path: Path, top: str) -> None:
    folder, packed = contents_of(_folder(tmp_path / "brats")), contents_of(_zip(tmp_path / "b.zip", top))
    assert folder.names == packed.names == tuple(sorted(_FILES))
    for name, data in _FILES.items():
        assert folder.size(name) == packed.size(name) == len(data)
        for contents in (folder, packed):
            with contents.stream(name) as stream:
                assert stream.read() == data


def test_folders_of_a_zip_are_no_files(tmp_path: Path) -> None:
    path = _zip(tmp_path / "b.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("brats/docs")
    assert contents_of(path).names == tuple(sorted(_FILES))


def test_a_link_to_a_file_counts_as_the_file_and_one_to_a_folder_as_itself(tmp_path: Path) -> None:
    root = _folder(tmp_path / "brats")
    (root / "licence").symlink_to(root / "LICENSE")
    (root / "weights").symlink_to(root / "models")
    contents = contents_of(root)
    assert contents.size("licence") == len(_FILES["LICENSE"])
    assert "weights" in contents.names
    with pytest.raises(BundleError, match="weights' is no file"):
        contents.size("weights")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(_folder(tmp_path / "brats") / "pipe")
    contents = contents_of(tmp_path / "brats")
    with pytest.raises(BundleError, match="pipe' is no file"), contents.stream("pipe"):
        pass


def test_a_link_to_nowhere_cannot_be_read(tmp_path: Path) -> None:
    (_folder(tmp_path / "brats") / "lost").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="lost' cannot be read: No such file"):
        contents_of(tmp_path / "brats").size("lost")


def test_a_text_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "card.md").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match=r"card\.md is not UTF-8"):
        read_text(contents_of(tmp_path), "card.md")


def test_a_text_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "manifest.json").open("wb") as stream:
        stream.truncate(MOST_TEXT + 1)
    with pytest.raises(BundleError, match="more than 16 MiB"):
        read_text(contents_of(tmp_path), "manifest.json")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (_entry("../a"), "leads out"),
        (_entry("a/../b"), "leads out"),
        (_entry("/a"), "leads out"),
        (_entry("a//b"), "roundabout"),
        (_entry("./a"), "roundabout"),
        (_entry(""), "leads out"),
        (_entry("C:/a"), "has a sign"),
        (_entry("a\\b"), "has a sign"),
        (_entry("a\0b"), "has a sign"),
        (_entry("a\x9b2J"), "has a sign"),
        (_entry("a", external_attr=0o120777 << 16), "a link or a device"),
        (_entry("a", external_attr=0o020666 << 16), "a link or a device"),
        (_entry("a", external_attr=0o010666 << 16), "a link or a device"),
        (_entry("a", flag_bits=1), "encrypted"),
        (_entry("a", compress_type=zipfile.ZIP_LZMA), "packed by method 14"),
        (_entry("a", file_size=2**30, compress_size=2**20), "a bomb"),
        (_entry("a", file_size=21 * 2**30, compress_size=2**30), "at most 20 GiB are"),
    ],
)
def test_an_entry_that_may_not_be_unpacked_is_named(entry: zipfile.ZipInfo, reason: str) -> None:
    (fault,) = zip_faults([entry])
    assert reason in fault


@pytest.mark.parametrize("name", ["a", "brats/ä b-1.2_(x).txt", "brats/docs/", "...", ".hidden"])
def test_a_plain_name_is_no_fault(name: str) -> None:
    assert zip_faults([_entry(name)]) == []


def test_what_is_small_may_be_as_empty_as_it_likes() -> None:
    assert zip_faults([_entry("a", file_size=2**20, compress_size=10)]) == []


@pytest.mark.parametrize("pair", [("a", "a"), ("a/b", "A/B"), ("caf\u00e9", "cafe\u0301"), ("a", "a/")])
def test_two_entries_that_would_be_one_file_are_refused(pair: tuple[str, str]) -> None:
    first, second = _entry(pair[0]), _entry(pair[1], header_offset=100)
    assert "is in it twice" in zip_faults([first, second])[0]


def test_a_file_with_files_in_it_is_refused() -> None:
    assert zip_faults([_entry("a"), _entry("a/b", header_offset=100)]) == ["'a' is a file and a folder"]


def test_entries_that_share_bytes_are_refused() -> None:
    first, second = _entry("a", compress_size=100), _entry("b", header_offset=129)
    assert zip_faults([second, first]) == ["'b' lies within 'a': damaged, or a bomb"]
    second.header_offset = 130
    assert zip_faults([second, first]) == []


def test_too_many_entries_are_counted() -> None:
    entries = [_entry(str(n), header_offset=100 * n) for n in range(MOST_FILES + 1)]
    assert zip_faults(entries) == ["10001 files; at most 10000 are unpacked"]


def test_every_fault_of_a_zip_is_listed(tmp_path: Path) -> None:
    path = _zip(tmp_path / "b.zip", **{"../x": b"", "../y": b""})
    with pytest.raises(BundleError, match="nothing of it was unpacked: 2 faults"):
        contents_of(path)


def test_a_bundle_two_folders_down_is_not_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no bundle"):
        contents_of(_zip(tmp_path / "b.zip", "a/b/"))


def test_what_lies_beside_the_bundle_is_named(tmp_path: Path) -> None:
    path = _zip(tmp_path / "b.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("setup.py", "")
    with pytest.raises(BundleError, match=r"'setup\.py' beside the bundle in 'brats/'"):
        contents_of(path)


def _packed_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _FILES.items():
            archive.writestr(f"brats/{name}", data)
    return buffer.getvalue()


_PACKED = _packed_bytes()


@given(st.lists(st.tuples(st.integers(0, len(_PACKED) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_zip_is_refused_in_words_or_gives_what_it_held(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(_PACKED)
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.mktemp("zip") / "b.zip"
    path.write_bytes(data)
    with contextlib.suppress(MedsegError):
        contents = contents_of(path)
        for name in contents.names:
            with contents.stream(name) as stream:
                assert stream.read() in _FILES.values()
