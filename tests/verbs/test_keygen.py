import stat
from pathlib import Path

import pytest
import tiny

from medseg.bundle.minisign_keys import read_public_key, read_secret_key


def test_a_pair_of_keys_is_written_and_the_public_one_named(tmp_path: Path) -> None:
    answer = tiny.call("keygen", "--output", tmp_path / "keys" / "clinic")
    assert answer.code == 0, answer.err
    assert answer.out == f"{tmp_path}/keys/clinic.pub\n"
    secret = tmp_path / "keys" / "clinic.key"
    assert read_secret_key(secret, None).public == read_public_key(answer.out.strip())
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert read_secret_key(secret, None).seed.hex() not in answer.out + answer.err


def test_a_dot_in_the_name_stays(tmp_path: Path) -> None:
    assert tiny.call("keygen", "--output", tmp_path / "clinic-1.2").code == 0
    assert tiny.files_below(tmp_path) == {"clinic-1.2.key", "clinic-1.2.pub"}


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    assert tiny.call("keygen", "--output", tmp_path / "clinic").code == 0
    before = (tmp_path / "clinic.key").read_bytes()
    answer = tiny.call("keygen", "--output", tmp_path / "clinic")
    assert answer.code == 1
    assert "clinic.key' exists; a key that is replaced is lost" in answer.err
    assert (tmp_path / "clinic.key").read_bytes() == before


@pytest.mark.parametrize("name", ["clinic.key", "clinic.pub"])
def test_whoever_names_one_of_both_files_means_the_pair(tmp_path: Path, name: str) -> None:
    assert tiny.call("keygen", "--output", tmp_path / name).code == 0
    assert tiny.files_below(tmp_path) == {"clinic.key", "clinic.pub"}


@pytest.mark.parametrize("name", [".", "/", "..", "", ".key"])
def test_what_is_no_name_is_a_wrong_use(name: str) -> None:
    answer = tiny.call("keygen", "--output", name)
    assert answer.code == 2
    assert "is no name of a file" in answer.err


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = tiny.call("keygen", "--output", tmp_path / "file" / "clinic")
    assert answer.code == 1
    assert "Cannot write the key" in answer.err
