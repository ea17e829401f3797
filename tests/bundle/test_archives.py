import io
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from medseg.bundle import archives
from medseg.bundle.archives import DAMAGED, EXPORTED, PLAIN, SCRIPT, STATE, TAR, Archive, archive_of, may_hold_pickles

STATE_IMPORTS = ("collections.OrderedDict", "torch.FloatStorage", "torch._utils._rebuild_tensor_v2")


class Runs:
    def __reduce__(self) -> Any:
        return os.system, ("false",)


def look(data: bytes, name: str = "model.pt") -> Archive:
    found = archive_of(io.BytesIO(data), name)
    assert found is not None
    return found


def saved(value: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def zipped(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/").replace("_pkl", ".pkl"), data)
    return stream.getvalue()


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return torch.nn.Conv3d(1, 2, 3)


@pytest.mark.parametrize(("is_new", "kind"), [(True, STATE), (False, PLAIN)])
def test_a_state_dict_imports_what_plain_weights_need(network: torch.nn.Module, is_new: bool, kind: str) -> None:
    found = look(saved(network.state_dict(), _use_new_zipfile_serialization=is_new))
    assert (found.kind, found.imports, found.refused, found.faults) == (kind, STATE_IMPORTS, (), ())


@pytest.mark.parametrize("is_new", [True, False])
def test_a_whole_network_is_beyond_plain_weights_as_torch_says(network: torch.nn.Module, is_new: bool) -> None:
    data = saved(network, _use_new_zipfile_serialization=is_new)
    assert "torch.nn.modules.conv.Conv3d" in look(data).refused
    with pytest.raises(pickle.UnpicklingError, match="Conv3d"):
        torch.load(io.BytesIO(data), weights_only=True)


def test_torchscript_is_told_apart(network: torch.nn.Module) -> None:
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(network), stream)
    found = look(stream.getvalue(), "model.ts")
    assert found.kind == SCRIPT
    assert found.code == 1
    assert found.faults == ()


def test_an_exported_program_is_looked_through(tmp_path: Path, network: torch.nn.Module) -> None:
    torch.export.save(torch.export.export(network, (torch.zeros(1, 1, 5, 5, 5),)), tmp_path / "model.pt2")
    with (tmp_path / "model.pt2").open("rb") as stream:
        found = archive_of(stream, "model.pt2")
    assert found is not None
    assert found.kind == EXPORTED
    assert "torch._utils._rebuild_tensor_v2" in found.imports  # of the sample inputs, an archive in the archive


def test_every_pickle_of_an_archive_is_read_also_the_second_of_one_name() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("archive/data.pkl", pickle.dumps(Runs(), 2))
    assert look(stream.getvalue()).refused == (f"{os.system.__module__}.system",)


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_torch_unpickles_five_in_a_row_and_all_are_read(place: int) -> None:
    row = [pickle.dumps(Runs() if n == place else n, 2) for n in range(5)]
    assert look(b"".join(row)).refused == (f"{os.system.__module__}.system",)


def test_a_bomb_is_told_and_not_unpacked() -> None:
    found = look(zipped(archive__data_pkl=b"\x80\x02" + b")0" * 10**7 + b"N."))
    assert found.faults == ("archive/data.pkl: cannot be read: it has more than 16 MiB",)


def test_a_list_of_entries_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_DIRECTORY", 1000)
    found = look(zipped(**{f"archive__data__{n}": b"" for n in range(100)}))
    assert "more than any file of weights needs" in found.fault


def test_a_list_of_entries_is_measured_in_the_large_form_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """APPNOTE 4.3.14: where four bytes do not suffice, they are all ones and the size stands in a record of its own."""
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 10**9, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, 30, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    found = look(b"PK\x03\x04" + bytes(26) + record + locator + end)
    assert found.fault.startswith("its list of entries has 953.7 MiB")


@pytest.mark.parametrize("cut", [5, 30, 200])
def test_a_damaged_archive_is_told(network: torch.nn.Module, cut: int) -> None:
    found = look(saved(network.state_dict())[:-cut])
    assert found.kind == DAMAGED
    assert found.fault.startswith("cannot be read")


def test_an_empty_file_of_weights_holds_nothing() -> None:
    assert look(b"").pickles == ()


def test_a_tar_is_refused_as_torch_refuses_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.pt", "w") as archive:
        archive.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    found = look((tmp_path / "model.pt").read_bytes())
    assert found.kind == TAR
    assert found.faults


def test_instructions_are_counted_over_all_pickles() -> None:
    data = zipped(a_pkl=pickle.dumps([1] * 50, 2), b_pkl=pickle.dumps([1] * 50, 2))
    found = archive_of(io.BytesIO(data), "model.pt", most=70)
    assert found is not None
    assert found.instructions <= 71
    assert "has more than" in found.faults[0]


@pytest.mark.parametrize("data", [b"plain text", zipped(a=b"x"), bytes(1000)])
def test_a_file_that_is_neither_called_weights_nor_holds_a_pickle_is_none(data: bytes) -> None:
    assert archive_of(io.BytesIO(data), "notes.bin") is None


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("models/model.pt", b"", True),
        ("MODEL.PTH", b"x", True),
        ("weights.dat", b"\x80\x04\x95", True),
        ("weights.dat", b"PK\x03\x04", True),
        ("weights.dat", b"\x80\x99", False),
        ("model.onnx", b"\x08\x07", False),
    ],
)
def test_a_file_is_worth_a_look_by_its_name_or_its_first_bytes(name: str, head: bytes, expected: bool) -> None:
    assert may_hold_pickles(name, head) is expected
