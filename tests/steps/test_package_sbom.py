import importlib.metadata
import json
import platform
from typing import Any

import pytest
from packaging.requirements import Requirement

from medseg.core.errors import UsageError
from medseg.steps import package_sbom
from medseg.steps.package_sbom import licence_of, needed_packages, sbom_text

pytest.importorskip("cyclonedx")
DIGEST = "ab" * 32


def bill(**options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sbom_text("brats_unet3d", "1.2.0", DIGEST, **options))
    return found


def test_the_text_is_cyclonedx_1_6_by_its_own_strict_schema() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    for timestamp in (None, "2031-05-04T12:00:00Z"):
        text = sbom_text("brats_unet3d", "1.2.0", DIGEST, timestamp=timestamp)
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_model_is_what_the_bill_is_of() -> None:
    found = bill()["metadata"]["component"]
    assert (found["name"], found["version"], found["type"]) == ("brats_unet3d", "1.2.0", "machine-learning-model")
    assert found["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]


def test_the_same_environment_gives_the_same_text_and_another_model_another_number() -> None:
    assert sbom_text("a", "1", DIGEST) == sbom_text("a", "1", DIGEST)
    numbers = {json.loads(sbom_text("a", "1", digest))["serialNumber"] for digest in (DIGEST, "cd" * 32)}
    assert len(numbers) == 2
    assert "timestamp" not in bill()["metadata"]
    assert bill(timestamp="2031-05-04T12:00:00Z")["metadata"]["timestamp"] == "2031-05-04T12:00:00Z"


def test_every_library_is_installed_in_this_very_version() -> None:
    libraries = [one for one in bill()["components"] if one["type"] == "library"]
    for one in libraries:
        assert one["purl"].startswith(f"pkg:pypi/{one['name']}@")
        if one["name"] != "medseg":  # of a checkout, the version of its code
            assert one["version"] == importlib.metadata.version(one["name"])
    assert {"torch", "monai", "numpy", "nibabel", "simpleitk"} <= {one["name"] for one in libraries}


def test_the_tools_of_developers_have_no_part_in_it() -> None:
    assert {"pytest", "ruff", "mypy", "hypothesis"} & {one.name for one in needed_packages()} == set()


def test_every_need_of_every_package_that_is_installed_is_listed_too() -> None:
    packages = {one.name: one for one in needed_packages()}
    for name in packages.keys() - {"medseg"}:
        for line in importlib.metadata.requires(name) or ():
            need = Requirement(line)
            if need.marker is not None and not need.marker.evaluate({"extra": ""}):
                continue
            wanted = need.name.lower().replace("_", "-").replace(".", "-")
            try:
                importlib.metadata.version(need.name)
            except importlib.metadata.PackageNotFoundError:
                continue
            assert wanted in packages[name].needs, f"{name} needs {need.name}"


def test_python_and_the_system_are_named_without_the_name_of_the_machine() -> None:
    components = {one["bom-ref"]: one for one in bill()["components"]}
    assert components["python"]["type"] == "platform"
    assert components["python"]["version"] == platform.python_version()
    assert components["system"]["type"] == "operating-system"
    assert not platform.node() or platform.node() not in json.dumps(components["system"])


def test_dependencies_lead_from_the_model_over_medseg_to_what_it_needs() -> None:
    leads = {one["ref"]: one.get("dependsOn", []) for one in bill()["dependencies"]}
    (own,) = leads["model"]
    assert own.startswith("pkg:pypi/medseg@")
    assert any(ref.startswith("pkg:pypi/torch@") for ref in leads[own])
    assert leads["python"] == ["system"]


def test_an_expression_stays_one_and_other_words_are_a_name() -> None:
    told = {one.name: one.licence for one in needed_packages()}
    for one in bill()["components"]:
        for licence in one.get("licenses", ()):
            said = licence.get("expression") or licence["license"].get("id") or licence["license"]["name"]
            assert said == told[one["name"]]
            assert " AND " not in said or "expression" in licence


class Said(importlib.metadata.Distribution):
    """A package that says this of itself."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_text(self, filename: str) -> str | None:
        return self.text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        raise OSError(path)


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["License-Expression: MIT AND Apache-2.0", "License: other"], "MIT AND Apache-2.0"),
        (["Classifier: License :: OSI Approved :: MIT License", "License: other"], "MIT License"),
        (["License: BSD-3-Clause"], "BSD-3-Clause"),
        (["License: UNKNOWN"], ""),
        (["License: " + "all of its text " * 10], ""),
        ([], ""),
    ],
)
def test_the_licence_is_what_is_said_most_exactly(lines: list[str], licence: str) -> None:
    assert licence_of(Said("\n".join(["Metadata-Version: 2.1", "Name: x", "Version: 1", *lines, ""]))) == licence


def test_without_cyclonedx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_sbom.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'medseg\[package\]'"):
        sbom_text("a", "1", DIGEST)


def test_a_medseg_that_is_installed_from_a_wheel_is_followed_by_its_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.distribution
    lines = ["Metadata-Version: 2.1", "Name: medseg", "Version: 9", "Requires-Dist: numpy>=1", "Provides-Extra: dev"]
    lines += [
        "Provides-Extra: onnx",
        "Requires-Dist: pytest; extra == 'dev'",
        "Requires-Dist: pydicom; extra == 'onnx'",
    ]
    wheel = Said("\n".join([*lines, ""]))
    monkeypatch.setattr(package_sbom, "_checkout", lambda: None)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: wheel if name == "medseg" else real(name))
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: wheel.metadata)
    found = {one.name: one for one in needed_packages()}
    assert found["medseg"].needs == ("numpy", "pydicom")
    assert "pytest" not in found


def test_where_nothing_says_what_medseg_needs_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(package_sbom, "_checkout", lambda: None)
    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    with pytest.raises(UsageError, match="not installed"):
        needed_packages()
