"""Write what a package says to people: the card, its pictures, and under what terms the weights were trained."""

from __future__ import annotations

from pathlib import Path

from medseg.bundle.card_facts import CardFacts, Export, Quantised
from medseg.bundle.claims import PAGE
from medseg.bundle.contents import contents_of
from medseg.bundle.manifest import MANIFEST, SIGNATURE
from medseg.bundle.model_card import card_text
from medseg.bundle.read import Bundle
from medseg.bundle.window import window_of
from medseg.core.files import digest_of_file, replacing, write_text
from medseg.core.in_words import times
from medseg.steps.package_evidence import Evidence
from medseg.steps.package_networks import Networks
from medseg.steps.package_request import PackageRequest
from medseg.steps.package_source import Source

LICENCE = Path("docs") / "data_license.txt"
_OF_PICTURES = """
docs/gallery/ holds pictures of studies that this model was evaluated on: the terms of that data hold for them too.
"""
_TERMS = "configuration: `LICENSE`; weights: `docs/data_license.txt`"


def write_card(
    bundle: Bundle, source: Source, evidence: Evidence, networks: Networks, request: PackageRequest, *, made: str
) -> None:
    """Write docs/README.md, docs/data_license.txt and the pictures of a package.

    Args:
        bundle: The package so far: everything but these, manifest and signature.
        source: What is packaged.
        evidence: How good it is.
        networks: Other forms of its network.
        request: Says what it may be used for, and whether it will be signed.
        made: When, in UTC.

    Raises:
        OutputError: A file cannot be written.
    """
    page = bundle.root / PAGE
    before = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
    for name, png in evidence.pictures.items():
        with replacing(bundle.root / name) as temporary:
            temporary.write_bytes(png)
    pictures = _OF_PICTURES if evidence.pictures else ""
    write_text(bundle.root / LICENCE, f"{_licence_text(bundle, source, request).rstrip()}\n{pictures}")
    signature = (SIGNATURE,) if request.sign is not None else ()
    facts = CardFacts(
        name=bundle.name,
        version=bundle.version,
        metadata=bundle.metadata,
        weights_sha256=digest_of_file(bundle.weights),
        date=made,
        page=before,
        window=_window(bundle),
        licence=_TERMS,
        intended_use=request.intended_use,
        training=evidence.training,
        measurement=evidence.measurement,
        validity=bundle.validity,
        exports=_exports(networks),
        quantised=_quantised(networks),
        files=(*contents_of(bundle.root).names, MANIFEST, *signature),
        signed=request.sign is not None,
    )
    write_text(page, card_text(facts))


def _exports(networks: Networks) -> tuple[Export, ...]:
    return tuple(
        Export(report.file, report.bytes, report.largest_difference, min(networks.golden[form].values()))
        for form, report in networks.exports.items()
    )


def _quantised(networks: Networks) -> Quantised | None:
    report = networks.int8
    if report is None:
        return None
    seconds, agreement = report.window_s, report.agreement
    return Quantised(
        file=report.file,
        size_ratio=report.size_ratio,
        time_ratios={name: seconds["int8"] / other for name, other in seconds.items() if name != "int8"},
        agreement={label: (mean, agreement.least[label]) for label, mean in agreement.mean.items()},
        n=agreement.studies,
        calibrated_on=report.studies,
        same_studies=report.agreement_on == "the same studies",
        golden=min(networks.golden["int8"].values()),
    )


def _window(bundle: Bundle) -> str:
    window = window_of(bundle)
    if window is None:
        return ""
    sides = [side if side is not None else "whole" for side in window.size]
    shares = dict.fromkeys(f"{100 * share:.0f} %" for share in window.overlap)
    return f"{times(sides)} voxels, overlap {' x '.join(shares)}"


def _licence_text(bundle: Bundle, source: Source, request: PackageRequest) -> str:
    """Terms of the data: as whoever packages states them; else as far as they are known, and no further."""
    if request.data_licence is not None:
        return request.data_licence.read_text(encoding="utf-8")
    path = bundle.root / LICENCE
    before = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if source.run is None and before:  # of these very weights
        return before
    began = f"\nThe bundle that the training began with says of the data it is made for:\n\n{before}" if before else ""
    return (
        f"These weights were trained on data with the digest {source.record.get('data_digest', 'unknown')}.\n"
        f"Whoever packaged them stated no licence of that data: ask them before you pass the weights on.\n{began}"
    )
