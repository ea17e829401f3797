"""`medseg inspect` on bundles of others: in the shape of MONAI's model zoo, and on those that mean harm."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tiny

CHECKOUT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "monai", "nibabel", "scipy", "mlflow", "matplotlib", "numpy"}
LIMIT_S = 1.0  # of processor time, hashing aside
# Inspects a bundle in a process of its own; tells its processor time and what it imported.
PROBE = """
import contextlib, io, json, resource, sys
from medseg.inspect import main
out = io.StringIO()
with contextlib.redirect_stdout(out):
    code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
heads = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"code": code, "cpu_s": used.ru_utime + used.ru_stime, "modules": heads, "out": out.getvalue()}))
"""
# As MONAI's own bundles are written: classes by their short names, expressions, old references.
ZOO: dict[str, Any] = {
    "imports": ["$import glob"],
    "bundle_root": ".",
    "output_dir": "$@bundle_root + '/eval'",
    "settings": {"overlap": 0.25},
    "device": "$torch.device('cpu')",
    "network_def": {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2},
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "scripts.turn.Turnd", "keys": "image"},
        ],
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96] * 3, "overlap": "@settings#overlap"},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": "$True"},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
        ],
    },
    "run": ["$@evaluator.run()"],
}
ZOO_CARD = {
    "version": "0.5.3",
    "monai_version": "1.4.0",
    "optional_packages_version": {"nibabel": "5.2.1"},
    "task": "a segmentation",
    "eval_metrics": {"mean_dice": 0.9},
}


def write(root: Path, files: Mapping[str, Any]) -> Path:
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = value if isinstance(value, str | bytes) else json.dumps(value)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def zipped(path: Path, files: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def inspect(bundle: Path, *options: str) -> tiny.Answer:
    return tiny.call("inspect", "--bundle", bundle, *options)


def probe(*words: Any) -> dict[str, Any]:
    command = [sys.executable, "-c", PROBE, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}
    )
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    files = {
        "configs/inference.json": ZOO,
        "configs/metadata.json": ZOO_CARD,
        "configs/train.json": {"train": {"loss": {"_target_": "DiceLoss"}}, "validate": "%train#loss"},
        "scripts/turn.py": "raise SystemExit('this must not run')",
        "large_files.yml": "large_files:\n- path: models/model.pt\n  url: https://example.org/model.pt\n",
    }
    return write(tmp_path / "spleen", files)


def test_a_bundle_of_the_model_zoo_is_told(zoo: Path) -> None:
    answer = inspect(zoo)
    assert answer.code == 0, answer.err
    for line in (
        "bundle  spleen 0.5.3",
        "  measured   mean_dice 0.9",
        "  made with  MONAI 1.4.0, nibabel 5.2.1",
        "  * scripts.turn.Turnd (code of the bundle)  configs/inference.json: preprocessing.transforms.1",
        "  * configs/inference.json: postprocessing.transforms.0.argmax  $True",
        "    configs/inference.json: run.0  $@evaluator.run()",
        "    configs/train.json: validate  %train#loss",
        "    models/model.pt from https://example.org/model.pt",
        "  find no weights: models/model.pt is not in the bundle",
    ):
        assert line in answer.out.splitlines(), answer.out


def test_json_holds_the_same(zoo: Path) -> None:
    values = json.loads(inspect(zoo, "--json").out)
    assert values["name"] == "spleen"
    assert {one["text"] for one in values["targets"]} >= {"UNet", "DiceLoss", "scripts.turn.Turnd"}
    assert "$True" in {one["text"] for one in values["medseg"]["trust_evaluates"]}
    assert values["python"] == ["scripts/turn.py"]


def test_every_shipped_bundle_is_built_without_evaluating_anything() -> None:
    for path in sorted((CHECKOUT / "bundles").iterdir()):
        answer = inspect(path)
        assert "  build configs/inference.yaml without evaluating anything" in answer.out.splitlines(), answer.out


def test_a_bundle_is_found_by_its_name() -> None:
    assert tiny.call("inspect", "--bundle", "brats_unet3d").out.startswith("bundle  brats_unet3d")


@pytest.mark.parametrize("packing", [None, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_100_megabytes_are_told_in_under_a_second_without_torch(zoo: Path, tmp_path: Path, packing: int | None) -> None:
    entries = {"model/data.pkl": pickle.dumps({"a": 1}, 2), "model/data/0": os.urandom(100 << 20)}
    zipped(zoo / "models.pt", entries, method=zipfile.ZIP_STORED)
    place = zoo
    if packing is not None:
        files = {f"b/{path.relative_to(zoo)}": path.read_bytes() for path in zoo.rglob("*") if path.is_file()}
        place = zipped(tmp_path / "b.zip", files, method=packing)
    facts = probe("--bundle", place)
    assert facts["code"] == 0
    assert HEAVY.isdisjoint(facts["modules"])
    assert "models.pt: torch archive" in facts["out"]
    assert facts["cpu_s"] - hashing_s(place) < LIMIT_S


def hashing_s(place: Path) -> float:
    """Processor time of hashing every byte, unpacked where it is packed."""
    before = os.times()
    paths = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else []
    for path in paths:
        hashlib.sha256(path.read_bytes()).digest()
    if place.is_file():
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                hashlib.sha256(archive.read(name)).digest()
    after = os.times()
    return after.user - before.user + after.system - before.system


class Runs:
    """Unpickled, it makes the file that no test may find."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.canary),)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
HOSTILE = {
    "expression": {"configs/inference.json": {"network_def": "$CANARY"}},
    "import": {"configs/inference.json": {"imports": ["$import scripts.evil"], "network_def": "$scripts.evil"}},
    "target": {"configs/inference.json": {"network_def": {"_target_": "os.mkdir", "path": "CANARY_PATH"}}},
    "yaml tag": {"configs/inference.yaml": "network_def: !!python/object/apply:os.mkdir [CANARY_PATH]\n"},
    "script": {"scripts/__init__.py": "CANARY", "scripts/evil.py": "CANARY", "sitecustomize.py": "CANARY"},
    "shadowing": {"json.py": "CANARY", "yaml/__init__.py": "CANARY", "medseg/__init__.py": "CANARY"},
    "logging": {"configs/logging.conf": "[handler_a]\nclass=CANARY\nargs=(CANARY,)\n"},
    "key given twice": {"configs/inference.json": '{"network_def": "$CANARY", "network_def": {}}'},
    "other file": {"configs/inference.json": {"network_def": "%docs/net.json"}, "docs/net.json": '"$CANARY"'},
    "laughs": {"configs/inference.yaml": LAUGHS},
    "holds itself": {"configs/inference.yaml": "network_def: &a {_target_: UNet, inner: *a}\n"},
    "deep YAML": {"configs/inference.yaml": "[" * 100_000},
    "deep JSON": {"configs/inference.json": "[" * 1_000_000},
    "large JSON": {"configs/inference.json": "[" + '"$CANARY",' * 1_000_000 + "1]"},
    "long number": {"configs/metadata.json": '{"version": ' + "9" * 100_000 + "}"},
    "date": {"configs/inference.yaml": "network_def: 2001-99-99\n"},
    "no metadata": {"configs/metadata.json": "[]"},
    "escapes": {"configs/metadata.json": {"version": "\x1b[2J", "task": "\x1b]0;owned\x07\u202e"}},
    "binary": {"configs/inference.yaml": bytes(range(256)) * 10},
    "many references": {"configs/inference.json": {f"k{n}": f"$@k{n + 1}" for n in range(20_000)} | {"inferer": "@k1"}},
    "program": {"run": "\x7fELF", "go.sh": "CANARY"},
    "empty weights": {"models/model.pt": b""},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_told_and_nothing_of_it_runs(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    code = f"__import__('os').mkdir('{canary}')"
    base: dict[str, Any] = {"configs/metadata.json": {"version": "1"}}
    files = {
        file: value.replace("CANARY_PATH", str(canary)).replace("CANARY", code) if isinstance(value, str) else value
        for file, value in (base | HOSTILE[name]).items()
    }
    root = write(tmp_path / "bundle", files)
    for path in root.rglob("*.json"):
        path.write_text(path.read_text().replace("CANARY_PATH", str(canary)).replace("CANARY", code))
    done = subprocess.run(
        [sys.executable, "-m", "medseg.inspect", "--bundle", str(root)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    assert done.returncode == 0, done.stderr
    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert "build configs/inference" not in done.stdout
    assert not canary.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_hostile_weights_are_told_and_not_unpickled(protocol: int, zoo: Path, tmp_path: Path) -> None:
    data = pickle.dumps(Runs(tmp_path / "canary"), protocol)
    write(zoo, {"models/model.pt": data})
    zipped(zoo / "models" / "other.pth", {"archive/data.pkl": data})
    values = json.loads(inspect(zoo, "--json").out)
    name = f"{os.mkdir.__module__}.mkdir"
    assert values["pickles"]["models/model.pt"]["beyond_plain_weights"] == [name]
    assert values["pickles"]["models/other.pth"]["beyond_plain_weights"] == [name]
    assert f"would import {name}" in values["medseg"]["unsafe"][0]
    assert not (tmp_path / "canary").exists()


def test_a_zip_that_leads_out_of_its_folder_is_refused_and_its_names_are_escaped(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", {"b/configs/metadata.json": "{}", "../\x9b31m": ""})
    answer = inspect(path)
    assert answer.code == 1
    assert "\\x9b31m" in answer.err
    assert answer.err.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["absent", "no_bundle", "text.zip"])
def test_what_is_no_bundle_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"no_bundle/readme": "", "text.zip": "text"})
    answer = inspect(tmp_path / name)
    assert answer.code == 1
    assert answer.out == ""


def test_a_signature_that_is_demanded_and_absent_is_told(zoo: Path) -> None:
    answer = inspect(zoo, "--key", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")
    assert answer.code == 1
    assert "is not signed, and --key demands it" in " ".join(answer.out.split())
    assert "or not signed as demanded" in answer.err
    assert "refuse the bundle, with --trust too" in answer.out
