"""Truth is Debian's minisign 0.11: asked where it is installed, and by what it made once for this test."""

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.bundle.minisign import SecretKey, is_as_written, sign, signer_of, verify
from medseg.bundle.minisign_keys import public_text, read_public_key, read_secret_key, write_key_pair
from medseg.core.errors import BundleError
from tests.minisign_samples import HASHED, KEY, LEGACY, MESSAGE, PUBLIC, SECRET


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

    lines = signature.split("\n")
    return [base64.b64decode(lines[1]), lines[2].removesuffix("\r"), base64.b64decode(lines[3])]


def test_a_signature_with_another_sign_in_any_line_is_not_as_it_was_written() -> None:
    signature = sign(MESSAGE, KEY, trusted="hippocampus 1.0")
    assert is_as_written(signature)
    others = [signature[:n] + chr(ord(signature[n]) ^ 1) + signature[n + 1 :] for n in range(len(signature))]
    assert [n for n, other in enumerate(others) if _is_as_written(other)] == []


def _is_as_written(signature: str) -> bool:
    """And right."""
    try:
        verify(MESSAGE, signature, KEY.public)
        return is_as_written(signature)
    except BundleError:
        return False


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
