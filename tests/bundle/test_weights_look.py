"""Files of weights, good and bad, in a bundle; none is loaded."""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from medseg.bundle.contents import contents_of
from medseg.bundle.weights_look import weights_file_faults
from tests.verbs.hostile_weights import bare_pickle, pickled_object


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Weights alone."""
    (tmp_path / "models").mkdir()
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "models" / "model.pt")
    return tmp_path


def test_plain_weights_a_script_and_an_export_are_taken(bundle: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv3d(1, 1, 1), torch.nn.ReLU())
    torch.jit.script(network).save(bundle / "models" / "model.ts")
    torch.export.save(torch.export.export(network, (torch.zeros(1, 1, 2, 2, 2),)), bundle / "models" / "model.pt2")
    assert weights_file_faults(contents_of(bundle)) == []


def test_a_bundle_without_weights_has_none_to_refuse(bundle: Path) -> None:
    (bundle / "models" / "model.pt").unlink()
    assert weights_file_faults(contents_of(bundle)) == []


def test_weights_that_are_none_are_refused(bundle: Path) -> None:
    (bundle / "models" / "model.pt").write_text("hello")
    (fault,) = weights_file_faults(contents_of(bundle))
    assert fault.startswith("models/model.pt: pickle 1: cannot be read")
    (bundle / "models" / "model.pt").write_bytes(b"")
    assert weights_file_faults(contents_of(bundle)) == ["models/model.pt: holds no weights of torch"]


@pytest.mark.parametrize("write", [bare_pickle, pickled_object])
@pytest.mark.parametrize("name", ["models/model.ts", "models/model.pt2", "models/checkpoint.ckpt", "docs/notes"])
def test_a_pickle_that_would_import_more_is_refused_wherever_it_lies(
    bundle: Path, name: str, write: Callable[[Path, str], None]
) -> None:
    (bundle / name).parent.mkdir(exist_ok=True)
    write(bundle / name, "true")
    (fault,) = weights_file_faults(contents_of(bundle))
    assert fault.startswith(f"{name}: its pickle would import ")
    assert "posix.system" in fault or "nt.system" in fault


def test_a_script_that_names_more_than_its_own_classes_is_refused(bundle: Path) -> None:
    with zipfile.ZipFile(bundle / "models" / "model.ts", "w") as archive:
        archive.writestr("model/constants.pkl", pickle.dumps((), protocol=2))
        archive.writestr("model/data.pkl", b"c__torch__.Net\nNet\ncos\nsystem\n.")
    (fault,) = weights_file_faults(contents_of(bundle))
    assert "would import os.system," in fault


_CALL = b"cposix\nsystem\n(S'true'\ntR."


def _zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", data)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["models/model.ts", "x.ckpt", "x.bin", "docs/notes"])
@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02" + b"N0" * 150_001 + _CALL,
        _zipped(b"\x80\x02" + b"N0" * 150_001 + _CALL),
        _zipped(b"\x80\x02X" + struct.pack("<I", 17 * 2**20) + bytes(17 * 2**20) + b"0" + _CALL),
        b"\x80\x02X" + struct.pack("<I", 17 * 2**20) + bytes(17 * 2**20) + b"0" + _CALL,
    ],
    ids=["many steps", "many steps in an archive", "much before it, in an archive", "much before it"],
)
def test_what_lies_beyond_a_limit_is_not_taken_for_harmless(bundle: Path, name: str, data: bytes) -> None:
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_bytes(data)
    (fault,) = weights_file_faults(contents_of(bundle))
    assert "nobody knows what it would import" in fault


@pytest.mark.parametrize("text", [b"checkpoint of us\nhello\n", b"import a from 'b'\nconst c = 1\n", b"{}", b""])
@pytest.mark.parametrize("name", ["x.ckpt", "x.bin", "x.md"])
def test_a_text_under_the_name_of_weights_is_none(bundle: Path, name: str, text: bytes) -> None:
    (bundle / name).write_bytes(text)
    assert weights_file_faults(contents_of(bundle)) == []


def test_raw_numbers_are_no_pickle(bundle: Path) -> None:
    random = np.random.default_rng(0)
    for n in range(300):
        (bundle / f"{n}.bin").write_bytes(random.standard_normal(500).astype(np.float32).tobytes())
    assert weights_file_faults(contents_of(bundle)) == []


def test_a_checkpoint_of_a_training_with_numbers_of_numpy_is_taken(bundle: Path) -> None:
    held = {"best": np.float64(0.5), "random": np.random.default_rng(0).integers(9, size=5)}
    torch.save({"state": torch.nn.Linear(1, 1).state_dict(), **held}, bundle / "models" / "last.pt")
    assert weights_file_faults(contents_of(bundle)) == []


def test_a_link_to_nowhere_is_no_fault_of_the_weights(bundle: Path) -> None:
    (bundle / "models" / "annexed.pt").symlink_to(bundle / "nowhere")
    assert weights_file_faults(contents_of(bundle)) == []


@pytest.fixture
def program(bundle: Path) -> Path:
    """A program of torch.export."""
    network, path = torch.nn.Conv3d(1, 1, 1), bundle / "models" / "model.pt2"
    torch.export.save(torch.export.export(network, (torch.zeros(1, 1, 2, 2, 2),)), path)
    return path


def _changed(path: Path, change: Callable[[str, bytes], bytes], more: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in ({name: change(name, data) for name, data in entries.items()} | more).items():
            archive.writestr(name, data)


def _pickled(name: str, data: bytes) -> bytes:
    return data.replace(b'"use_pickle": false', b'"use_pickle": true') if name.endswith("_config.json") else data


@pytest.mark.parametrize(
    ("change", "more"),
    [
        (_pickled, {}),
        (lambda name, data: b"{" if name.endswith("weights_config.json") else data, {}),
        (lambda _, data: data, {"model/data/constants/opaque_obj_0": b"N."}),
        (lambda _, data: data, {"model/data/constants/custom_obj_0": b"N."}),
        (lambda _, data: data, {"model/data/aotinductor/model/a.so": b""}),
    ],
    ids=["weights as pickles", "a list that cannot be read", "an object", "an object of C++", "code"],
)
def test_a_program_that_has_things_unpickled_or_run_is_refused(
    bundle: Path, program: Path, change: Callable[[str, bytes], bytes], more: dict[str, bytes]
) -> None:
    assert weights_file_faults(contents_of(bundle)) == []
    _changed(program, change, more)
    (fault,) = weights_file_faults(contents_of(bundle))
    assert fault.startswith("models/model.pt2: its pickle would import whatever it likes")
