"""The bill of materials of a package: which software was installed where the package was validated.

CycloneDX 1.6 (ECMA-424, first edition) in JSON. It lists what medseg stands on, found by following what each installed
package says it needs; whatever else is in the environment had no part in the result and is left out. The same
environment gives the same text, to the letter.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

import medseg
from medseg.core.errors import UsageError
from medseg.core.extras import require
from medseg.core.files import digest_of

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

OWN = "medseg"
NO_PART = frozenset({"dev", "docs", "tune"})  # extras that no model is made, exported or checked with
_NAMES = uuid.UUID("6e6d2f5c-2f4e-5a0b-9d3a-6a1f0f8b7c11")  # of serial numbers that medseg derives
_OSI = "License :: OSI Approved :: "
_MODEL, _PYTHON, _SYSTEM = "model", "python", "system"


@dataclass(frozen=True)
class Installed:
    """An installed package that medseg needs.

    Attributes:
        name: Normalised as PyPI does: "pyyaml".
        version: Of it.
        licence: As its metadata says: an SPDX expression, or words; empty where it says nothing.
        needs: Names of the packages that it needs itself, of those that are installed.
    """

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def sbom_text(bundle_name: str, version: str, weights_sha256: str, *, timestamp: str | None = None) -> str:
    """The bill of materials of a package, as this environment is.

    Args:
        bundle_name: Of the bundle.
        version: Of the package.
        weights_sha256: Of models/model.pt, in hexadecimal.
        timestamp: When it was made, as ISO 8601 in UTC; None leaves it out.

    Returns:
        JSON, with a newline at the end; its serial number follows from its content.

    Raises:
        UsageError: cyclonedx-python-lib is not installed, or medseg itself.
    """
    require("a bill of materials", "package")
    bill = _bill(_model(bundle_name, version, weights_sha256), needed_packages())
    # The library stamps the time of the call and draws a number by chance; both would make every text another.
    bill.pop("serialNumber", None)
    bill["metadata"].pop("timestamp", None)
    if timestamp is not None:
        bill["metadata"]["timestamp"] = timestamp
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMES, digest_of(bill))}"
    return json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def needed_packages() -> tuple[Installed, ...]:
    """What is installed of what medseg needs, and of what that needs in turn; in the order of names.

    Raises:
        UsageError: medseg is neither installed nor a checkout, so that nothing says what it needs.
    """
    found: dict[str, Installed] = {}
    asked: dict[str, set[str]] = {}  # a package may be asked for again, with more of its extras
    waiting = [(OWN, _own_extras())]
    while waiting:
        name, extras = waiting.pop()
        if name in asked and extras <= asked[name]:
            continue
        asked.setdefault(name, set()).update(extras)
        told = _told(name)
        if told is not None:
            needs = _needs(told.lines, asked[name])
            waiting += needs.items()
            found[name] = Installed(name, told.version, told.licence, tuple(sorted(needs.keys() - {name})))
    if OWN not in found:
        raise UsageError("medseg is not installed, so nothing says what it needs. Install it: pip install medseg")
    return tuple(replace(one, needs=tuple(other for other in one.needs if other in found)) for one in _by_name(found))


def licence_of(distribution: Distribution) -> str:
    """What a package says of its licence: expression, else classifiers, else a short word; empty for none."""
    told = distribution.metadata
    expression = told.get_all("License-Expression", [])
    if expression:
        return str(expression[0])
    classified = [line.removeprefix(_OSI) for line in told.get_all("Classifier", []) if line.startswith(_OSI)]
    if classified:
        return ", ".join(classified)
    words = "".join(told.get_all("License", [])).strip()
    return words if words != "UNKNOWN" and len(words) <= 80 and "\n" not in words else ""  # some put all of its text


@dataclass(frozen=True)
class _Told:
    """What a package says of itself; ``lines`` are requirements as pip reads them."""

    version: str
    licence: str
    lines: tuple[str, ...]


def _told(name: str) -> _Told | None:
    """None where it is not installed."""
    project = _checkout() if name == OWN else None
    if project is not None:
        extras: Mapping[str, list[str]] = project.get("optional-dependencies", {})
        lines = [f"{line}; extra == '{extra}'" for extra, own in extras.items() for line in own]
        return _Told(medseg.__version__, str(project.get("license", "")), (*project["dependencies"], *lines))
    try:
        distribution = importlib.metadata.distribution(name)
    except PackageNotFoundError:
        return None
    return _Told(distribution.version, licence_of(distribution), tuple(distribution.requires or ()))


def _needs(lines: Iterable[str], extras: Iterable[str]) -> dict[str, set[str]]:
    """Name of each package that is needed here, to the extras of it that are."""
    needs: dict[str, set[str]] = {}
    for line in lines:
        try:
            need = Requirement(line)
        except InvalidRequirement:  # written before PEP 508; pip passes over it too
            continue
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            needs.setdefault(_normalised(need.name), set()).update(need.extras)
    return needs


def _by_name(found: Mapping[str, Installed]) -> list[Installed]:
    return [found[name] for name in sorted(found)]


def _own_extras() -> set[str]:
    project = _checkout()
    if project is not None:
        return {*project.get("optional-dependencies", {})} - NO_PART
    try:
        return {*importlib.metadata.metadata(OWN).get_all("Provides-Extra", [])} - NO_PART
    except PackageNotFoundError:
        return set()


def _checkout() -> Mapping[str, Any] | None:
    """The project table of the checkout that medseg runs from: what is installed of it may be older. None outside."""
    path = Path(medseg.__file__).resolve().parents[1] / "pyproject.toml"
    try:
        project: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, ValueError):
        return None
    return project if project.get("name") == OWN else None


def _normalised(name: str) -> str:
    """As PyPI compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _bill(model: Component, packages: Iterable[Installed]) -> dict[str, Any]:
    from cyclonedx.model.bom import Bom
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    libraries = {one.name: _library(one) for one in packages}
    runtime, system = _python(), _system()
    bill = Bom(components=[*libraries.values(), runtime, system])
    bill.metadata.component = model
    bill.register_dependency(model, [libraries[OWN]])
    bill.register_dependency(runtime, [system])
    for one in packages:
        needs = [libraries[name] for name in one.needs]
        bill.register_dependency(libraries[one.name], [*needs, runtime])
    text = make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    plain: dict[str, Any] = json.loads(text)
    return plain


def _model(name: str, version: str, weights_sha256: str) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        name=name,
        version=version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=_MODEL,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=weights_sha256)],
    )


def _library(package: Installed) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    url = PackageURL("pypi", None, package.name, package.version)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=url.to_string(),
        purl=url,
        licenses=_licences(package.licence),
    )


def _licences(said: str) -> list[License]:
    from cyclonedx.factory.license import LicenseFactory

    return [LicenseFactory().make_from_string(said)] if said else []


def _python() -> Component:
    from cyclonedx.model.component import Component, ComponentType

    name, version = platform.python_implementation(), platform.python_version()
    return Component(name=name, version=version, type=ComponentType.PLATFORM, bom_ref=_PYTHON)


def _system() -> Component:
    """Kind and release of the system, and the kind of processor; no name of a machine."""
    from cyclonedx.model.component import Component, ComponentType

    try:
        told = platform.freedesktop_os_release()
        name, version = told["NAME"], told.get("VERSION_ID", platform.release())
    except (OSError, KeyError):
        name, version = platform.system(), platform.release()
    return Component(
        name=name,
        version=version,
        description=f"{platform.system()} {platform.release()} on {platform.machine()}",
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=_SYSTEM,
    )
