"""The network of a package in other forms, each held against the one that was evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from medseg.bundle.golden import LEAST_DICE, Golden
from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError, raise_faults
from medseg.core.exports import EXPORT_FILES, Export
from medseg.steps.golden_study import volume_of
from medseg.steps.package_exports import ExportReport, export_network, label_agreement
from medseg.steps.package_int8 import Int8Report, quantize_network
from medseg.steps.package_request import PackageRequest


@dataclass(frozen=True)
class Networks:
    """What became of the other forms.

    Attributes:
        exports: Form to how its output differs.
        golden: Form to label to Dice of its label map of the golden study with that of the network.
        int8: None where it was not asked for.
    """

    exports: Mapping[str, ExportReport]
    golden: Mapping[str, Mapping[str, float]]
    int8: Int8Report | None

    def as_json(self) -> dict[str, Any]:
        """As the manifest tells it."""
        told = {form: {**asdict(report), "golden_dice": self.golden[form]} for form, report in self.exports.items()}
        if self.int8 is not None:
            told["int8"] = {**asdict(self.int8), "golden_dice": self.golden["int8"]}
        return told


def write_networks(
    bundle: Bundle, golden: Golden, request: PackageRequest, split: Mapping[str, Any], *, say: Callable[[str], None]
) -> Networks:
    """Write the forms of the network that are asked for into a package's folder.

    Args:
        bundle: The package so far.
        golden: Its golden study; each form has to find there what the network finds.
        request: Says which forms.
        split: Study ids by part; what is held out calibrates nothing.
        say: Shows a line to the user.

    Raises:
        BundleError: A form does not say what the network says.
        DatalistError: No study to calibrate on.
        OutputError: The network cannot be written in a form.
    """
    forms = tuple(cast(Export, form) for form in request.exports)
    exports = export_network(bundle, forms, bundle.root, say=say)
    int8 = None
    if request.calibrate is not None:
        int8 = quantize_network(replace(bundle, split=split), request.calibrate, bundle.root, say=say)
        say(int8_in_words(int8))
    files = {form: bundle.root / EXPORT_FILES[form] for form in (*exports, *(("int8",) if int8 else ()))}
    agreement = _on_golden(bundle, golden, files)
    return Networks(exports, agreement, int8)


def int8_in_words(report: Int8Report) -> str:
    """One line: what eight bits save and what they change."""
    times = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in report.window_s.items())
    dice = ", ".join(f"{name} {mean:.4f}" for name, mean in report.agreement.mean.items())
    return (
        f"{report.file}: {report.size_ratio:.2f} of the bytes; a window {times}; Dice with fp32 {dice} "
        f"(n = {report.agreement.studies}, {report.agreement_on})"
    )


def _on_golden(bundle: Bundle, golden: Golden, files: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    """Agreement of each form; exports must reach ``LEAST_DICE``, eight bits are told as they are.

    Raises:
        BundleError: An export does not.
    """
    if not files:
        return {}
    found = label_agreement(bundle, files, volume_of(bundle, golden.channels))
    faults = [
        f"models/{files[form].name}: Dice {dice:.4f} of {label} with the network on the golden study; at least "
        f"{LEAST_DICE} is wanted. Leave this form out"
        for form, by_label in found.items()
        for label, dice in by_label.items()
        if dice < LEAST_DICE and form != "int8"
    ]
    raise_faults(f"Exports of bundle '{bundle.name}'", faults, BundleError)
    return found
