"""What making a package leaves and what it does not, below the verb; what a package says is in tests of the verb."""

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from medseg.core.errors import BundleError, DatalistError, MedsegError, OutputError, UsageError
from medseg.core.files import digest_of_file
from medseg.steps import golden_study, packaging
from medseg.steps.package_request import PackageRequest
from medseg.steps.packaging import Package, make_package
from tests.full_disk import small_disk

SPLIT = {"train": ["phantom_000", "phantom_001"], "validation": ["phantom_002"], "holdout": ["phantom_003"]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with random weights and a split, of no run; do not write into it."""
    root = tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path_factory.mktemp("b") / "hippocampus_unet3d"))
    (root / "configs" / "split.json").write_text(json.dumps(SPLIT))
    return root


@pytest.fixture(autouse=True)
def _one_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the golden study, where a package draws several and keeps one."""
    monkeypatch.setattr(golden_study, "DRAWN", 1)


@pytest.fixture
def request_of(source: Path, planned_cohort: Path, tmp_path: Path) -> Callable[..., PackageRequest]:
    """Makes requests for a package of that bundle, into the empty folder "out"; give what is to differ."""

    def make(name: str = "x.zip", **changes: Any) -> PackageRequest:
        plain = PackageRequest(run=str(source), output=tmp_path / "out" / name, data=planned_cohort, gallery=False)
        return replace(plain, **changes)

    return make


def make(request: PackageRequest) -> Package:
    return make_package(request, None, say=lambda _: None)


def text_of(package: Path, name: str) -> str:
    with zipfile.ZipFile(package) as archive:
        return archive.read(f"hippocampus_unet3d/{name}").decode()


def names_of(package: Path) -> set[str]:
    with zipfile.ZipFile(package) as archive:
        return {name.removeprefix("hippocampus_unet3d/") for name in archive.namelist()}


def below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def test_a_bundle_of_no_run_is_packaged_with_what_it_says_itself(
    request_of: Callable[..., PackageRequest], source: Path
) -> None:
    before = {path: digest_of_file(path) for path in source.rglob("*") if path.is_file()}
    made = make(request_of())
    assert made.path == request_of().output
    training = made.manifest["training"]
    assert training["studies"] == {"train": 2, "validation": 1, "holdout": 1}
    assert (training["seed"], training["mlflow_run_id"], training["commit"]) == (None, None, None)
    assert json.loads(text_of(made.path, "validity.json"))["studies"] == 3
    assert "docs/recipe.yaml" not in names_of(made.path)  # no run, no recipe
    assert "| Trained on | 2 studies" in text_of(made.path, "docs/README.md")
    assert {path: digest_of_file(path) for path in source.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "given", "version"),
    [
        ("x.zip", None, "0.2.0"),
        ("hippocampus_unet3d-1.2.0.zip", None, "1.2.0"),
        ("hippocampus_unet3d-1.2.0.ZIP", None, "1.2.0"),
        ("hippocampus_unet3d-1.2.0-rc1", None, "1.2.0-rc1"),
        ("final.zip", "3.0", "3.0"),
    ],
)
def test_the_version_is_given_or_stands_in_the_name_of_the_output(
    request_of: Callable[..., PackageRequest], name: str, given: str | None, version: str
) -> None:
    assert make(request_of(name, version=given)).manifest["version"] == version


def test_a_package_that_is_packaged_again_keeps_nothing_that_was_drawn_for_the_former(
    request_of: Callable[..., PackageRequest], source: Path, tmp_path: Path
) -> None:
    """Pictures above all: whoever leaves them out now may not show them."""
    former = Path(shutil.copytree(source, tmp_path / "hippocampus_unet3d"))
    for name in ("docs/gallery/1-worst.png", "golden/golden.json", "models/model.onnx", "predictions/P1.nii.gz"):
        (former / name).parent.mkdir(exist_ok=True)
        (former / name).write_bytes(b"of the former")
    (former / "docs" / "recipe.yaml").write_text("seed: 9\n")  # of these very weights
    made = make(request_of(run=str(former)))
    told = names_of(made.path)
    assert not [name for name in told if "gallery" in name or "predictions" in name or name.endswith(".onnx")]
    assert text_of(made.path, "docs/recipe.yaml") == "seed: 9\n"
    assert "phantom" in json.loads(text_of(made.path, "golden/golden.json"))["source"]


# What is refused before it takes long


def no_reading(*_: Any, **__: Any) -> None:
    raise AssertionError("the data was read before what is wrong was said")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", r"--limits: .*limits\.json.*: .*Give a validity\.json"),
        ("[]", r"--limits"),
        ("{}", r"--limits '.*limits\.json': 1 fault\n  format"),
    ],
)
def test_wrong_limits_are_refused_before_the_data_is_read(
    request_of: Callable[..., PackageRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setattr(packaging, "find_trained", no_reading)
    (tmp_path / "limits.json").write_text(text)
    with pytest.raises(BundleError, match=told):
        make(request_of(limits=tmp_path / "limits.json"))


def test_a_wrong_version_is_refused_before_the_data_is_read(
    request_of: Callable[..., PackageRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "find_trained", no_reading)
    with pytest.raises(UsageError, match="is no version"):
        make(request_of(version="new"))


def test_limits_that_are_given_are_not_measured(
    request_of: Callable[..., PackageRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = json.loads(text_of(make(request_of()).path, "validity.json"))
    measured["spacing_mm"]["right"]["refuse"] = [0.25, 8.0]
    (tmp_path / "limits.json").write_text(json.dumps(measured))
    monkeypatch.setattr(packaging, "measure_validity", no_reading)
    made = make(request_of("y.zip", limits=tmp_path / "limits.json"))
    assert json.loads(text_of(made.path, "validity.json")) == measured
    assert "0.25 to 8" in text_of(made.path, "docs/README.md")


# Whole or not at all


@pytest.mark.parametrize(
    ("step", "output"),
    [
        *((step, "x.zip") for step in ("copy_bundle", "measure_validity", "make_golden", "write_networks")),
        *((step, "x.zip") for step in ("sbom_text", "seal_bundle", "write_package")),
        ("write_package", "x"),
    ],
)
def test_wherever_it_is_interrupted_nothing_is_left(
    request_of: Callable[..., PackageRequest], monkeypatch: pytest.MonkeyPatch, step: str, output: str
) -> None:
    before = getattr(packaging, step)

    def interrupted(*given: Any, **named: Any) -> None:
        if step != "write_package":  # after it has written; the last one before
            before(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(packaging, step, interrupted)
    request = request_of(output)
    with pytest.raises(KeyboardInterrupt):
        make(request)
    assert below(request.output.parent) == []


@pytest.mark.parametrize("bytes_", [0, 5_000, 60_000, 150_000])
def test_a_full_disk_is_told_and_nothing_is_left(request_of: Callable[..., PackageRequest], bytes_: int) -> None:
    """At the first file, at the texts, at the weights, at the golden study."""
    request = request_of()
    request.output.parent.mkdir()
    with small_disk(bytes_), pytest.raises(OutputError, match=r"File too large"):
        make(request)
    assert below(request.output.parent) == []


def test_a_package_that_would_be_faulty_is_not_written(
    request_of: Callable[..., PackageRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "network_faults", lambda bundle, network: ["its output has 4 channels; 3 classes"])
    request = request_of()
    with pytest.raises(
        BundleError, match=r"The package of 'hippocampus_unet3d' would be faulty: 1 fault\n  its output"
    ):
        make(request)
    assert below(request.output.parent) == []


def test_data_that_does_not_hold_leaves_not_even_a_folder(
    request_of: Callable[..., PackageRequest], tmp_path: Path
) -> None:
    cohort = tiny.write_tiny_cohort(tmp_path / "other", studies=2)
    request = request_of(data=cohort)
    with pytest.raises(DatalistError, match="lacks 1 of the studies"):
        make(request)
    assert not request.output.parent.exists()


def test_the_output_may_appear_meanwhile_and_is_not_replaced(
    request_of: Callable[..., PackageRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, seal = request_of(), packaging.seal_bundle

    def another_is_quicker(*given: Any) -> None:
        seal(*given)
        request.output.write_bytes(b"of another process")

    monkeypatch.setattr(packaging, "seal_bundle", another_is_quicker)
    with pytest.raises(MedsegError, match="is there already"):
        make(request)
    assert request.output.read_bytes() == b"of another process"
    assert below(request.output.parent) == [request.output]
