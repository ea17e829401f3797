"""Truth is Debian's minisign 0.11: asked where it is installed, and by what it made once for this test."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.bundle.minisign import (
    SecretKey,
    has_password,
    new_key,
    public_key_of,
    public_text,
    read_public_key,
    read_secret_key,
    secret_text,
    sign,
    signer_of,
    verify,
    write_key_pair,
)
from medseg.core.errors import BundleError, OutputError, UsageError

# minisign -G -W; minisign -S -t "hippocampus 1.0"; minisign -S -l -t legacy
PUBLIC = """untrusted comment: minisign public key 9E060B1E0C7715CB
RWTLFXcMHgsGnvAdfvgeYRuH1yEUixzRQzr4mJQWZxjYUby5bu+DMHNE
"""
SECRET = """untrusted comment: made for a test
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAyxV3DB4LBp4pSlr41j4xQck3G/FHH3IYExwKf+gfyCh90yBW\
kz607/AdfvgeYRuH1yEUixzRQzr4mJQWZxjYUby5bu+DMHNEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""
MESSAGE = b"a manifest\n"
HASHED = """untrusted comment: signature from minisign secret key
RUTLFXcMHgsGnvaWUGZ0W3MHWgE18CK+VOYGsIMqNMdCjhsFhyq1dRXuV09BIdnGCKdUk3+emCbskLufMa1v7I/cwc39OHd0+g0=
trusted comment: hippocampus 1.0
Cu93ny0R8iWht65UuAWLyloSDqGN1sbi72D+gSJRL2TFAWn2yRuIhhleRAsBQ+rze6GqwMtX7pEdWSvBfRy3BA==
"""
LEGACY = """untrusted comment: signature from minisign secret key
RWTLFXcMHgsGngQNxSNA39puR649JsLLkBoedBG+PnhB9jsty0XfTPLW8TX0Sr5wee8sUUhSFydHp1jzG5CjbjFpTdEenJorHwc=
trusted comment: legacy
KQ1uyrWqQbFdbeizQPvzCD1Z2wXhx0PO2geBhgmyQHWrtaV23PoftazQBfbNJ8S9ZraqCGM7KK8zqtpGm3VkCw==
"""
# minisign -G with the password "secret"
LOCKED = """untrusted comment: minisign encrypted secret key
RWRTY0IyUcYR9jVoIz/XQWUUvhGu5W/XhNIzqpsl6hj7iOC4Xl8AAAACAAAAAAAAAEAAAAAAnz+CVj+bJfmqXvgJkbI1/eGf0qvTUj2PaIT1a2aGEN0IfUue\
gawge8UPhWS47cVzTyyJNrfiw/56nC/m+AQ+r3Ob6LX1RDGD3HEXhvc2rIwikFRMjGpM60Mh+si8NmLhllAQ8VVmLic=
"""
LOCKED_PUBLIC = "RWRVF9FiUZOkqpgaKnF0S3KfmLiRzDXfgXIYuXvWO9fd8uXiZvWIQfkN"
KEY = SecretKey(bytes(range(8)), bytes(range(32)))


def _file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("signature", "comment"), [(HASHED, "hippocampus 1.0"), (LEGACY, "legacy")])
def test_a_signature_of_minisign_is_right_and_gives_its_comment(signature: str, comment: str) -> None:
    assert verify(MESSAGE, signature, read_public_key(PUBLIC)) == comment
    assert verify(MESSAGE, signature.replace("\n", "\r\n"), read_public_key(PUBLIC)) == comment


def test_a_secret_key_of_minisign_signs_as_minisign_does(tmp_path: Path) -> None:
    key = read_secret_key(_file(tmp_path / "a.key", SECRET), None)
    # Ed25519 is the same each time: the two lines of base64 are minisign's own.
    assert sign(MESSAGE, key, trusted="hippocampus 1.0").splitlines()[1:] == HASHED.splitlines()[1:]
    assert public_text(key.public) == PUBLIC


def test_a_key_is_named_as_minisign_names_it() -> None:
    assert read_public_key(PUBLIC).name == signer_of(HASHED) == "9E060B1E0C7715CB"


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
    import base64

    raw = bytearray(base64.b64decode(LOCKED.splitlines()[1]))
    raw[46:54] = (2**44).to_bytes(8, "little")  # bytes of memory
    raw[38:46] = (2**44).to_bytes(8, "little")  # operations
    path = _file(tmp_path / "greedy.key", f"{LOCKED.splitlines()[0]}\n{base64.b64encode(raw).decode()}\n")
    with pytest.raises(UsageError, match="cannot be opened here: its password takes"):
        read_secret_key(path, "secret")


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_is_signed_is_right_and_nothing_else_is(message: bytes, trusted: str) -> None:
    signature = sign(message, KEY, trusted=trusted)
    assert verify(message, signature, KEY.public) == " ".join(trusted.split())
    with pytest.raises(BundleError, match="not that of this file"):
        verify(message + b"\0", signature, KEY.public)


@given(st.data())
def test_a_signature_with_another_bit_is_wrong(data: st.DataObject) -> None:
    """But for the first line, which minisign calls untrusted because nothing covers it."""
    signature = sign(MESSAGE, KEY, trusted="hippocampus 1.0").encode()
    place = data.draw(st.integers(signature.index(b"\n") + 1, len(signature) - 2))
    changed = bytearray(signature)
    changed[place] ^= 1 << data.draw(st.integers(0, 6))
    try:
        verify(MESSAGE, changed.decode(), KEY.public)
    except BundleError:
        return
    # base64 has spare bits, and a "\r" before the end of a line is part of the line's end
    assert _meaning(changed.decode()) == _meaning(signature.decode())


def _meaning(signature: str) -> list[bytes | str]:
    import base64

    lines = signature.split("\n")
    return [base64.b64decode(lines[1]), lines[2].removesuffix("\r"), base64.b64decode(lines[3])]


def test_a_signature_by_another_key_names_both() -> None:
    with pytest.raises(BundleError, match="signed by key 0706050403020100, not by 9E060B1E0C7715CB"):
        verify(MESSAGE, sign(MESSAGE, KEY, trusted=""), read_public_key(PUBLIC))


def test_a_stranger_with_the_same_id_is_found_out() -> None:
    forged = SecretKey(read_public_key(PUBLIC).id, KEY.seed)
    with pytest.raises(BundleError, match="not that of this file"):
        verify(MESSAGE, sign(MESSAGE, forged, trusted=""), read_public_key(PUBLIC))


def test_a_comment_of_another_signature_is_found_out() -> None:
    lines = HASHED.splitlines()
    lines[2] = "trusted comment: hippocampus 2.0"
    with pytest.raises(BundleError, match="not that of this file"):
        verify(MESSAGE, "\n".join(lines), read_public_key(PUBLIC))


def test_a_comment_of_several_lines_becomes_one() -> None:
    signature = sign(MESSAGE, KEY, trusted="1.0\ntrusted comment: 2.0")
    assert verify(MESSAGE, signature, KEY.public) == "1.0 trusted comment: 2.0"


@pytest.mark.parametrize(
    "text", ["", "hello", HASHED[:100], HASHED.replace("RUTL", "RXTL"), HASHED.replace("Cu93", "")]
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="signature is"):
        verify(MESSAGE, text, read_public_key(PUBLIC))


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


def _minisign(*words: object, text: str = "") -> str:
    command = ["minisign", *map(str, words)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.mark.external
@pytest.mark.parametrize("comment", ["hippocampus 1.0, packaged 2026-01-01", "Größe 1.0"])
def test_minisign_finds_our_signature_right(tmp_path: Path, comment: str) -> None:
    write_key_pair(tmp_path / "k.key", tmp_path / "k.pub", KEY)
    (tmp_path / "m").write_bytes(MESSAGE)
    _file(tmp_path / "m.minisig", sign(MESSAGE, KEY, trusted=comment))
    assert comment in _minisign("-V", "-H", "-p", tmp_path / "k.pub", "-m", tmp_path / "m")
    assert comment in _minisign("-V", "-P", KEY.public.text, "-m", tmp_path / "m")
    (tmp_path / "m").write_bytes(b"another")
    with pytest.raises(subprocess.CalledProcessError):
        _minisign("-V", "-p", tmp_path / "k.pub", "-m", tmp_path / "m")


@pytest.mark.external
@pytest.mark.parametrize("words", [(), ("-l",)], ids=["prehashed", "legacy"])
def test_minisign_signs_with_our_key_and_we_find_it_right(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_key_pair(tmp_path / "k.key", tmp_path / "k.pub", KEY)
    (tmp_path / "m").write_bytes(MESSAGE)
    _minisign("-S", *words, "-s", tmp_path / "k.key", "-m", tmp_path / "m", "-t", "by Debian's")
    assert verify(MESSAGE, (tmp_path / "m.minisig").read_text(), KEY.public) == "by Debian's"


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
