"""Hand a package to MLflow: a file of the run it was trained in, and a new version of the model of that name."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.contents import Contents, contents_of, read_text
from medseg.bundle.manifest import MANIFEST, SIGNATURE, manifest_digest
from medseg.bundle.minisign import signer_of
from medseg.bundle.pack import write_zip
from medseg.bundle.read import Bundle
from medseg.bundle.results import results_in_words
from medseg.core.errors import BundleError, OutputError
from medseg.core.files import digest_of_file
from medseg.recipe.layers import flatten
from medseg.runs.tracking import OpenRun, Plan, ended_run, new_run, ready_database
from medseg.runs.tracking_registry import Registered, Registry, write_mlmodel
from medseg.runs.tracking_text import as_reason
from medseg.runs.tracking_uri import checked_uri, without_credentials
from medseg.steps.registry import BYTES, FILE, SHA256

CARD = "docs/README.md"
PLACE = "package"  # of packages among the files of a run
_SHOWN = 12  # signs of a digest that tell the packages of a run apart
_INTENDED = 300  # signs of a tag that people read in a table
_UNTOLD = frozenset({"files", "format", "name", "signer", "version"})  # of a manifest: said elsewhere, or too long


@dataclass(frozen=True)
class Version:
    """A package as MLflow has it now.

    Attributes:
        name: Of the registered model: the bundle's.
        number: Of the version.
        run_id: MLflow's id of the run that holds the file.
        sha256: Of the zip.
        mlflow: Address of the MLflow, without a password.
        is_new: False where this very zip was registered before, and nothing was added.
    """

    name: str
    number: int
    run_id: str
    sha256: str
    mlflow: str
    is_new: bool

    @property
    def address(self) -> str:
        """What --bundle takes."""
        return f"models:/{self.name}/{self.number}"


def publish(
    package: Path,
    *,
    bundle: Bundle,
    run_id: str | None,
    uri: str,
    artifact_root: Path,
    manifest: Mapping[str, Any],
) -> Version:
    """Register a package in MLflow; the package itself stays where it is, whatever MLflow does.

    Args:
        package: Zip of a sealed bundle, or its folder, which is zipped for MLflow.
        bundle: What it holds.
        run_id: MLflow's id of the training's run. Where it is None, or that MLflow has no such run (any more), a run
            "package NAME VERSION" is made for it in the bundle's experiment.
        uri: Address of the MLflow, from ``choose_uri``.
        artifact_root: Folder for files where ``uri`` is a SQLite database without an experiment of the bundle's name.
        manifest: Parsed manifest.json; what it says beside the files becomes tags.

    Returns:
        The new version, or the one under which the same zip was registered before.

    Raises:
        BundleError: The package cannot be read.
        OutputError: MLflow is away, or refuses it.
        UsageError: The address is of a kind that medseg does not use.
    """
    checked_uri(uri, "the MLflow of the package")
    with tempfile.TemporaryDirectory(prefix="medseg-") as folder:
        try:
            file = _staged(package, bundle, Path(folder))
            tags = tags_of(file, contents_of(package), bundle, manifest)
            plan = Plan(uri, artifact_root, bundle.name, f"package {bundle.name} {bundle.version}")
            return _publish(file, bundle, tags, plan, run_id)
        except BundleError:
            raise
        except Exception as error:  # whatever MLflow does, the package is written
            raise OutputError(
                f"MLflow at {without_credentials(uri)} did not register '{package}' ({as_reason(error)}). The package "
                "is whole; to register it, package again under a new version."
            ) from error


def tags_of(file: Path, contents: Contents, bundle: Bundle, manifest: Mapping[str, Any]) -> dict[str, str]:
    """What MLflow's tables show of a version, and what a download is checked against.

    Args:
        file: The zip that is uploaded.
        contents: The package's files.
        bundle: What it holds.
        manifest: Parsed manifest.json.
    """
    sealed, signed = MANIFEST in contents.names, SIGNATURE in contents.names
    told = {key: str(value) for key, value in flatten(_without(manifest, _UNTOLD)).items() if value is not None}
    return {
        SHA256: digest_of_file(file),
        FILE: file.name,
        BYTES: str(file.stat().st_size),
        "package.manifest_sha256": manifest_digest(contents) if sealed else "none",
        "package.signed": "yes" if signed else "no",
        **({"package.key_id": signer_of(read_text(contents, SIGNATURE))} if signed else {}),
        "bundle_version": bundle.version,
        "intended_use": str(bundle.metadata.get("intended_use", "not said"))[:_INTENDED],
        **_dice(bundle),
        **{f"manifest.{key}": value for key, value in told.items()},
    }


def _publish(file: Path, bundle: Bundle, tags: Mapping[str, str], plan: Plan, run_id: str | None) -> Version:
    ready_database(plan.uri)
    registry = Registry(plan.uri)
    before = next((one for one in registry.versions(bundle.name) if one.tags.get(SHA256) == tags[SHA256]), None)
    if before is not None:
        return _as_version(before, tags, plan, is_new=False)
    run = ended_run(plan.uri, run_id) if run_id else None
    if run is not None:
        return _as_version(_register(registry, run, file, bundle, tags), tags, plan, is_new=True)
    run = new_run(plan)
    try:
        made = _register(registry, run, file, bundle, tags)
    except BaseException:
        run.close("FAILED")
        raise
    run.close("FINISHED")
    return _as_version(made, tags, plan, is_new=True)


def _register(registry: Registry, run: OpenRun, file: Path, bundle: Bundle, tags: Mapping[str, str]) -> Registered:
    # A folder for each content: a second package of a run must not replace the file of the first.
    folder = f"{PLACE}/{tags[SHA256][:_SHOWN]}"
    place = file.parent / folder
    place.mkdir(parents=True)
    file.replace(place / file.name)
    write_mlmodel(
        place / "MLmodel",
        run_id=run.id,
        folder=folder,
        channels=len(bundle.channels),
        dimensions=2 if bundle.takes_pictures else 3,
        facts={"package": file.name, "version": bundle.version, "sha256": tags[SHA256]},
    )
    run.upload(file.parent / PLACE)
    return registry.add(
        bundle.name,
        run_id=run.id,
        folder=folder,
        about=str(bundle.metadata.get("description", "")),
        description=_card(bundle),
        tags=tags,
    )


def _as_version(found: Registered, tags: Mapping[str, str], plan: Plan, *, is_new: bool) -> Version:
    where = without_credentials(plan.uri)
    return Version(found.name, found.number, found.run_id, tags[SHA256], where, is_new)


def _staged(package: Path, bundle: Bundle, folder: Path) -> Path:
    """A zip with a plain name that nobody else changes meanwhile."""
    file = folder / (re.sub(r"[^\w.-]", "_", f"{bundle.name}-{bundle.version}", flags=re.ASCII)[:150] + ".zip")
    if package.is_file():
        shutil.copyfile(package, file)
    else:
        write_zip(package, bundle.name, file)
    return file


def _card(bundle: Bundle) -> str:
    path = bundle.root / CARD
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else f"{bundle.name} {bundle.version}"


def _dice(bundle: Bundle) -> dict[str, str]:
    """Tag to "0.901 (0.888 to 0.911, n = 43)" for each label or region that was measured."""
    metrics = bundle.metadata.get("eval_metrics")
    rows = (
        {name: row for name, row in metrics.items() if isinstance(row, Mapping)} if isinstance(metrics, Mapping) else {}
    )
    told = {name: results_in_words({name: row}).removeprefix(f"{name} Dice ") for name, row in rows.items()}
    return {f"dice.{name}": text for name, text in told.items()}


def _without(values: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}
