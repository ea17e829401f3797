import pytest

from medseg.bundle.file_kinds import PYTHON, executable_kind


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("scripts/net.py", b"import torch", PYTHON),
        ("SETUP.PY", b"", PYTHON),
        ("run.sh", b"", "shell script"),
        ("run", b"#!/bin/sh", "script"),
        ("libx.so", b"\x7fELF", "native library"),
        ("weights.dat", b"\x7fELF\x02", "program or native library"),
        ("readme.md", b"MZ\x90", "program or native library"),
        ("model.pt", b"PK\x03\x04", ""),
        ("docs/README.md", b"# A model", ""),
    ],
)
def test_code_is_known_by_its_name_or_its_first_bytes(name: str, head: bytes, kind: str) -> None:
    assert executable_kind(name, head) == kind
