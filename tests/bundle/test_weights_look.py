"""Files of weights, good and bad, in a bundle; none is loaded."""

import pickle
import zipfile
from pathlib import Path

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
    assert fault.startswith("models/model.pt: ")


@pytest.mark.parametrize("write", [bare_pickle, pickled_object])
@pytest.mark.parametrize("name", ["models/model.ts", "models/model.pt2", "models/checkpoint.ckpt", "docs/notes"])
def test_a_pickle_that_would_import_more_is_refused_wherever_it_lies(bundle: Path, name: str, write: object) -> None:
    assert callable(write)
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
