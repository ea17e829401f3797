"""What cannot become a package is refused with its reason, and nothing is left of it."""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import zipfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tiny
from package_made import NAME, Made, copied, packaged, record_of

from medseg.bundle.minisign import new_key
from medseg.bundle.minisign_keys import secret_text
from medseg.core.errors import UsageError
from medseg.package import package
from medseg.steps.package_request import PackageRequest

pytestmark = pytest.mark.usefixtures("one_drawing")


def test_all_that_is_wrong_with_a_command_is_told_at_once(made: Made, tmp_path: Path, out: Path) -> None:
    (out / "x.zip").write_text("mine")
    gone = tmp_path / "gone"
    words = ("--quantize", "int8", "--golden", gone, "--data", gone, "--limits", gone, "--data-licence", gone)
    answer = packaged(made.run, out / "x.zip", *words, "--sign", gone, "--evaluation", gone)
    assert answer.code == 2
    told = answer.err.splitlines()
    assert told[0] == "medseg: package: 9 faults"
    assert sorted(line.split()[0] for line in told[1:]) == sorted(
        [
            "--output",
            "--quantize",
            "--golden",
            "--golden",
            "--data",
            "--limits",
            "--data-licence",
            "--sign",
            "--evaluation",
        ]
    )
    assert (out / "x.zip").read_text() == "mine"


Words = tuple[Path, tuple[object, ...]]


def unfinished(made: Made, folder: Path, cohort: Path) -> Words:
    return copied(made.run, folder, outcome="interrupted", reason="Ctrl-C"), ()


def without_weights(made: Made, folder: Path, cohort: Path) -> Words:
    copy = copied(made.run, folder)
    shutil.rmtree(copy / "bundle" / "models")
    return copy, ()


def folds(made: Made, folder: Path, cohort: Path) -> Words:
    shutil.copytree(made.run, folder / "cv" / "fold0")
    (folder / "cv" / "run.json").write_text(json.dumps({"folds": [{"name": "fold0"}]}))
    return folder / "cv", ()


def moved_data(made: Made, folder: Path, cohort: Path) -> Words:
    return copied(made.run, folder, data=str(folder / "gone")), ()


def changed_data(made: Made, folder: Path, cohort: Path) -> Words:
    data = Path(shutil.copytree(cohort, folder / "data"))
    path = data / "imagesTr" / "phantom_000.nii.gz"
    image = nibabel.load(path)
    values = np.asarray(image.dataobj)
    values[0, 0, 0] += 1
    nibabel.save(nibabel.Nifti1Image(values, image.affine), path)
    return made.run, ("--data", data)


def another_model(made: Made, folder: Path, cohort: Path) -> Words:
    copy = copied(made.run, folder)
    tiny.add_random_weights(copy / "bundle", seed=9)
    return copy, ("--evaluation", made.evaluation)


def no_evaluation(made: Made, folder: Path, cohort: Path) -> Words:
    return made.run, ("--evaluation", cohort)


def limits_of_others(made: Made, folder: Path, cohort: Path) -> Words:
    limits = made.read("validity.json")
    limits["labels"]["liver"] = limits["labels"].pop("anterior")
    limits["spacing_mm"]["right"]["refuse"] = [3, 1]
    (folder / "limits.json").write_text(json.dumps(limits))
    return made.run, ("--limits", folder / "limits.json")


def several_golden(made: Made, folder: Path, cohort: Path) -> Words:
    return made.run, ("--golden", cohort, "--golden-licence", "CC0-1.0")


def another_version(made: Made, folder: Path, cohort: Path) -> Words:
    return made.run, ("--version", "1.0 beta")


def not_as_signed(made: Made, folder: Path, cohort: Path) -> Words:
    return made.run, ("--key", made.public)


def damaged_key(made: Made, folder: Path, cohort: Path) -> Words:
    return made.run, ("--sign", made.public)


REFUSED: Mapping[Callable[[Made, Path, Path], Words], tuple[int, str]] = {
    unfinished: (1, r"is 'interrupted' \(Ctrl-C\); a package is made of a training that is finished\. Go on with it"),
    without_weights: (1, r"has no trained weights \(models/model\.pt\)"),
    folds: (1, r"is a cross-validation and holds a model for each fold: .*fold0"),
    moved_data: (1, r"are no longer at '.*gone'.* give them with --data"),
    changed_data: (1, r"was changed since: its digest is .*Give the data of the training with --data"),
    another_model: (1, r"Evaluation '.*' is of another model"),
    no_evaluation: (1, r"is no finished evaluation"),
    limits_of_others: (1, r"--limits '.*limits\.json': \d faults"),
    several_golden: (1, r"--golden '.*' holds 8 studies; give one"),
    another_version: (2, r"--version '1\.0 beta' is no version; give numbers with dots between them, such as 1\.2\.0"),
    not_as_signed: (1, r"is not signed, and --key demands it"),
    damaged_key: (2, r"is no secret key of minisign"),
}


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: wrong.__name__)
def test_what_cannot_be_packaged_is_refused_and_nothing_is_left(
    made: Made, tiny_cohort: Path, tmp_path: Path, out: Path, wrong: Callable[[Made, Path, Path], Words]
) -> None:
    run, words = wrong(made, tmp_path, tiny_cohort)
    code, told = REFUSED[wrong]
    answer = packaged(run, out / "x.zip", *words)
    assert answer.code == code, answer.err
    assert re.search(told, answer.err), answer.err
    assert "Unexpected" not in answer.err
    assert "Traceback" not in answer.err
    assert list(out.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(made: Made, out: Path) -> None:
    answer = packaged(made.run, made.zip / "x.zip")
    assert answer.code == 2
    assert f"'{made.zip}' is no folder that you may write into; choose another" in answer.err


def locked_text(password: str) -> str:
    """A secret key behind a password, by the least scrypt that minisign's format knows: N 1024, r 8, p 1."""
    salt, operations, memory = bytes(32), (32768).to_bytes(8, "little"), (2**24).to_bytes(8, "little")
    plain = base64.b64decode(secret_text(new_key()).splitlines()[1])
    stream = hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1, dklen=104)
    hidden = bytes(a ^ b for a, b in zip(plain[54:], stream, strict=True))
    raw = plain[:2] + b"Sc" + plain[4:6] + salt + operations + memory + hidden
    return f"untrusted comment: minisign encrypted secret key\n{base64.b64encode(raw).decode()}\n"


def test_a_key_behind_a_password_signs_with_it_alone(made: Made, tmp_path: Path, out: Path) -> None:
    (tmp_path / "lab.key").write_text(locked_text("secret"))
    request = PackageRequest(
        run=str(made.run), output=out / "x.zip", sign=tmp_path / "lab.key", gallery=False, tracking=False
    )
    asked: list[str] = []
    with pytest.raises(UsageError, match=r"lab\.key': the password does not open this key"):
        package(request, password=lambda text: asked.append(text) or "guess", say=lambda _: None)
    assert asked == [f"Password of {tmp_path / 'lab.key'}: "]
    assert list(out.iterdir()) == []
    package(request, password=lambda text: "secret", say=lambda _: None)
    with zipfile.ZipFile(out / "x.zip") as archive:
        assert f"{NAME}/manifest.json.minisig" in archive.namelist()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_with_the_code_of_an_interrupt_and_leaves_nothing(
    made: Made, out: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr("medseg.steps.packaging.seal_bundle", interrupted)
    answer = packaged(made.run, out / "x.zip")
    assert (answer.code, answer.err) == (130, "medseg: Interrupted.\n")
    assert list(out.iterdir()) == []


eight_bits = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime", "openvino")),
    reason="the extras onnx and openvino are missing",
)


@eight_bits
def test_eight_bits_are_not_set_by_what_is_held_out(made: Made, tiny_cohort: Path, tmp_path: Path, out: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for study in record_of(made.run)["split"]["holdout"]:
        shutil.copy(tiny_cohort / "imagesTr" / f"{study}.nii.gz", scans)
    answer = packaged(made.run, out / "x.zip", "--quantize", "int8", "--calibrate", scans)
    assert answer.code == 1
    assert "all 2 studies are of the hold-out; give studies that the model may see" in answer.err
    assert list(out.iterdir()) == []


@eight_bits
@pytest.mark.slow
def test_a_network_that_eight_bits_change_is_refused_with_how_much(made: Made, tiny_cohort: Path, out: Path) -> None:
    """Two epochs leave one that hardly prefers a label to another."""
    answer = packaged(made.run, out / "x.zip", "--quantize", "int8", "--calibrate", tiny_cohort)
    assert answer.code == 1
    assert re.search(r"labels \d\d\.\d\d % of the voxels of a window as in fp32; 99\.5 % are wanted", answer.err)
    assert list(out.iterdir()) == []
