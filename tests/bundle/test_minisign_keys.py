"""Keys as Debian's minisign 0.11 writes and reads them."""

import base64
import os
import stat
import subprocess
from pathlib import Path

import pytest

from medseg.bundle.minisign import new_key
from medseg.bundle.minisign_keys import (
    has_password,
    public_key_of,
    public_text,
    read_public_key,
    read_secret_key,
    secret_text,
    write_key_pair,
)
from medseg.core.errors import OutputError, UsageError
from tests.minisign_samples import HASHED, KEY, LOCKED, LOCKED_PUBLIC, PUBLIC, SECRET


def _file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _minisign(*words: object, text: str = "") -> str:
    command = ["minisign", *map(str, words)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.mark.slow
def test_a_key_behind_a_password_opens_with_it_alone(tmp_path: Path) -> None:  # scrypt takes a second and 1 GiB
    path = _file(tmp_path / "locked.key", LOCKED)
    assert read_secret_key(path, "secret").public.text == LOCKED_PUBLIC
    with pytest.raises(UsageError, match="the password does not open this key"):
        read_secret_key(path, "Secret")


def test_a_key_behind_a_password_says_so(tmp_path: Path) -> None:
    path = _file(tmp_path / "locked.key", LOCKED)
    assert has_password(path)
    assert not has_password(_file(tmp_path / "a.key", SECRET))
    with pytest.raises(UsageError, match="behind a password, and none was given"):
        read_secret_key(path, None)


def test_a_password_that_asks_for_more_memory_than_there_is_is_refused(tmp_path: Path) -> None:

    raw = bytearray(base64.b64decode(LOCKED.splitlines()[1]))
    raw[46:54] = (2**44).to_bytes(8, "little")  # bytes of memory
    raw[38:46] = (2**44).to_bytes(8, "little")  # operations
    path = _file(tmp_path / "greedy.key", f"{LOCKED.splitlines()[0]}\n{base64.b64encode(raw).decode()}\n")
    with pytest.raises(UsageError, match="cannot be opened here: its password takes"):
        read_secret_key(path, "secret")


@pytest.mark.parametrize(
    "text", ["", "hello", SECRET, HASHED, PUBLIC + PUBLIC, PUBLIC.replace("RWTL", "RUTL"), "x" * 9999]
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="nor is that a public key"):
        read_public_key(text)
    with pytest.raises(UsageError, match="is no public key of minisign"):
        read_public_key(str(_file(tmp_path / "x.pub", text)))
    assert public_key_of(text) is None


@pytest.mark.parametrize(
    "text", ["", "hello", PUBLIC, SECRET.replace("EIy", "EJy"), SECRET.replace("AdfvgeY", "BdfvgeY")]
)
def test_what_is_no_secret_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"is no secret key|is damaged"):
        read_secret_key(_file(tmp_path / "x.key", text), None)


def test_a_file_that_is_called_as_a_key_reads_is_not_taken_for_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = PUBLIC.splitlines()[1]
    monkeypatch.chdir(tmp_path)
    _file(tmp_path / line, public_text(KEY.public))
    assert read_public_key(line).name == "9E060B1E0C7715CB"


def test_a_written_pair_is_read_back_and_the_secret_half_is_its_owner_s_alone(tmp_path: Path) -> None:
    key = new_key()
    write_key_pair(tmp_path / "a" / "my.key", tmp_path / "a" / "my.pub", key)
    assert read_secret_key(tmp_path / "a" / "my.key", None) == key
    assert read_public_key(str(tmp_path / "a" / "my.pub")) == key.public
    assert stat.S_IMODE((tmp_path / "a" / "my.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("taken", ["my.key", "my.pub"])
def test_a_key_is_never_replaced(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match=rf"{taken}' exists"):
        write_key_pair(tmp_path / "my.key", tmp_path / "my.pub", KEY)
    assert os.listdir(tmp_path) == [taken]


def test_no_text_of_a_secret_key_shows_it() -> None:
    assert "seed" not in repr(KEY)
    assert new_key() != new_key()


@pytest.mark.external
def test_a_pair_of_minisign_s_signs_here(tmp_path: Path) -> None:
    _minisign("-G", "-W", "-s", tmp_path / "k.key", "-p", tmp_path / "k.pub")
    key = read_secret_key(tmp_path / "k.key", None)
    assert key.public == read_public_key(str(tmp_path / "k.pub"))
    assert secret_text(key).count("\n") == 2


@pytest.mark.external
@pytest.mark.slow
def test_a_password_of_minisign_s_opens_its_key_here(tmp_path: Path) -> None:
    _minisign("-G", "-s", tmp_path / "k.key", "-p", tmp_path / "k.pub", text="größe\ngröße\n")
    assert read_secret_key(tmp_path / "k.key", "größe").public == read_public_key(str(tmp_path / "k.pub"))
