"""Turn a trained model into a package: everything is made in a folder beside the output, which appears last."""

from __future__ import annotations

import datetime
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.build import build_network, network_faults
from medseg.bundle.copy import copy_bundle
from medseg.bundle.find import METADATA
from medseg.bundle.golden import Golden
from medseg.bundle.json_file import read_json
from medseg.bundle.least_input import with_least_input
from medseg.bundle.metadata import metadata_faults
from medseg.bundle.minisign import SecretKey
from medseg.bundle.pack import ZIP, seal_bundle, write_package
from medseg.bundle.packaged_metadata import packaged_metadata, version_of_package
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.stock_json import write_stock_json
from medseg.bundle.validity import Validity, validity_of, write_validity
from medseg.core.errors import BundleError, ConfigError, OutputError, raise_faults
from medseg.core.files import digest_of_file, write_json, write_text
from medseg.core.in_words import counted, size
from medseg.runs.record import git_commit, versions
from medseg.steps.golden_study import make_golden
from medseg.steps.package_card import write_card
from medseg.steps.package_evidence import Evidence, collect_evidence
from medseg.steps.package_networks import Networks, write_networks
from medseg.steps.package_request import PackageRequest
from medseg.steps.package_sbom import sbom_text
from medseg.steps.package_scores import GALLERY
from medseg.steps.package_source import Source, Trained, find_trained, open_source, recipe_text
from medseg.steps.validity_measures import measure_validity

SBOM = "sbom.cdx.json"
RECIPE = Path("docs") / "recipe.yaml"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """A package that was written.

    Attributes:
        path: The zip or folder.
        manifest: What its manifest says beside the files.
        source: What was packaged.
    """

    path: Path
    manifest: Mapping[str, Any]
    source: Source


def make_package(request: PackageRequest, key: SecretKey | None, *, say: Say) -> Package:
    """Package a trained model.

    Args:
        request: Checked by ``check_request``.
        key: Signs the manifest; None leaves it unsigned.
        say: Shows a line to the user.

    Raises:
        MedsegError: Something is missing or does not hold; nothing was written.
    """
    source = open_source(request)
    evidence = collect_evidence(
        source.bundle, source.run, request.evaluation, data=request.data, pictures=request.gallery
    )
    for note in evidence.notes:
        say(f"note: {note}")
    version, limits = _version(request, source.bundle), _limits(source.bundle, request.limits)
    trained = find_trained(source, request.data)
    try:
        request.output.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix=".tmp-package-", dir=request.output.parent)
    except OSError as error:
        raise OutputError(f"Cannot write '{request.output}': {error.strerror}. Choose another --output.") from error
    with work as folder:
        root = Path(folder) / source.bundle.name
        bundle = _begin(source, root, request, version, evidence)
        write_validity(root, limits or _measured(bundle, trained, say))
        bundle = read_bundle(root)
        golden = make_golden(bundle, request.golden, licence=request.golden_licence)
        _tell_golden(golden, say)
        networks = write_networks(bundle, golden, request, source.split, say=say)
        facts = _facts(source, trained, bundle, networks)
        write_text(root / SBOM, sbom_text(bundle.name, bundle.version, digest_of_file(bundle.weights)))
        write_card(bundle, source, evidence, networks, request, made=facts["made"])
        _check(root)
        seal_bundle(root, facts, key)
        total = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        write_package(root, request.output)
    say(f"{bundle.name} {bundle.version}: {size(total)}, {'signed' if key else 'not signed: --sign KEY signs it'}")
    return Package(request.output, facts, source)


def _tell_golden(golden: Golden, say: Say) -> None:
    say(f"golden study: {golden.source}; voxels " + ", ".join(f"{name} {n}" for name, n in golden.voxels.items()))
    if lacking := [name for name, n in golden.voxels.items() if not n]:
        say(f"note: the golden study shows no {' and no '.join(lacking)}; --golden takes a scan that does")


def _version(request: PackageRequest, bundle: Bundle) -> str:
    output = request.output.stem if request.output.suffix.lower() == ZIP else request.output.name
    return version_of_package(given=request.version, output=output, bundle_name=bundle.name, own=bundle.version)


def _begin(source: Source, root: Path, request: PackageRequest, version: str, evidence: Evidence) -> Bundle:
    """What is there already: configuration, weights, licences, recipe."""
    copy_bundle(source.bundle, root)
    shutil.rmtree(root / GALLERY, ignore_errors=True)  # of an earlier package; what is shown now was drawn now
    metadata = packaged_metadata(
        source.bundle.metadata,
        version=version,
        change=request.change or f"packaged; trained on {counted(len(source.split.get('train', ())), 'study')}",
        versions=versions(),
        results=evidence.results,
        intended_use=request.intended_use,
    )
    write_json(root / METADATA, with_least_input(metadata, build_network(source.bundle).eval()))
    write_stock_json(root, source.bundle.inference)
    if (recipe := recipe_text(source)) is not None:
        write_text(root / RECIPE, recipe)
    return read_bundle(root)


def _limits(bundle: Bundle, path: Path | None) -> Validity | None:
    """Limits that whoever packages has reviewed; None where there are none."""
    if path is None:
        return None
    labels = [label.name for label in bundle.labels.labels]
    try:
        values = read_json(path)
    except ConfigError as error:
        raise BundleError(f"--limits: {error}. Give a validity.json, as packages have it.") from None
    validity, faults = validity_of(values, channels=[one.name for one in bundle.channels], labels=labels)
    raise_faults(f"--limits '{path}'", faults, BundleError)
    return validity


def _measured(bundle: Bundle, trained: Trained, say: Say) -> Validity:
    validity = measure_validity(
        bundle, trained.studies, class_of_value=trained.cohort.class_of_value, patients=trained.patients
    )
    say(f"validity: measured on {len(trained.studies)} studies of {trained.patients} patients")
    return validity


def _facts(source: Source, trained: Trained, bundle: Bundle, networks: Networks) -> dict[str, Any]:
    """What the manifest says beside the files."""
    parts = {part: len(ids) for part, ids in source.split.items() if isinstance(ids, list)}
    told = {key: source.record.get(key) for key in ("mlflow_run_id", "started", "commit", "versions")}
    return {
        "name": bundle.name,
        "version": bundle.version,
        "made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": versions(),
        "commit": git_commit(),
        "bundle_digest": bundle.digest,
        "training": {
            "seed": source.record.get("seed", source.split.get("seed")),
            "data_digest": trained.cohort.inspection.data_digest,
            "studies": parts,
            "bundle_digest": source.bundle.digest,
            **told,
        },
        "networks": networks.as_json(),
    }


def _check(root: Path) -> None:
    """What was written is read as whoever gets it will read it."""
    bundle = read_bundle(root)
    network = build_network(bundle)
    faults = [*metadata_faults(bundle.metadata), *network_faults(bundle, network)]
    raise_faults(f"The package of '{bundle.name}' would be faulty", faults, BundleError)
