"""The labels of a bundle as coded concepts, for DICOM segmentations and reports."""

from __future__ import annotations

from medseg.bundle.label_codes import KEY, named_values
from medseg.bundle.read import Bundle
from medseg.core.coding import CodedLabel
from medseg.core.errors import BundleError, raise_faults


def coded_labels(bundle: Bundle) -> tuple[CodedLabel, ...]:
    """Every label of a bundle, then every region that is not one of its labels, with codes.

    Raises:
        BundleError: A label or region has no code; all are listed, with what to add.
    """
    title = f"Bundle '{bundle.name}' in {bundle.root} cannot name its labels in DICOM"
    raise_faults(title, coding_faults(bundle), BundleError)
    return bundle.coded


def coding_faults(bundle: Bundle) -> list[str]:
    """One sentence per label or region without a code, with what to add to metadata.json."""
    coded = {one.name for one in bundle.coded}
    return [
        f'configs/metadata.json: {KEY}.{name}: missing; add "category" and "type", each [code, scheme, meaning]'
        for name, _ in named_values(bundle.labels)
        if name not in coded
    ]
