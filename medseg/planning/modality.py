"""By which words a modality is known: one table for what the user asks for and for what channels are called."""

from __future__ import annotations

from collections.abc import Mapping

from medseg.core.labels import bare_name

MODALITIES: Mapping[str, frozenset[str]] = {
    "MR": frozenset({"mr", "mri", "t1", "t1w", "t1n", "t1c", "t1ce", "t1gd", "t1post", "t2", "t2w", "t2f", "t2star",
                     "flair", "dwi", "adc", "pd", "swi", "bold", "dce"}),
    "CT": frozenset({"ct", "cta", "cect", "cbct"}),
    "microscopy": frozenset({"microscopy", "fluorescence", "histology", "histopathology", "brightfield"}),
    "PT": frozenset({"pt", "pet"}),
    "US": frozenset({"us", "ultrasound"}),
}  # fmt: skip
# DICOM's words for microscopes: slides, and all else. A channel called GM is rather a map of grey matter.
_ASKED: Mapping[str, str] = {"sm": "microscopy", "gm": "microscopy"}


def asked_modality(text: str) -> str:
    """A modality the user names, as medseg writes it; a word that no table holds in capitals, as DICOM has its own."""
    word = bare_name(text)
    known = next((modality for modality, words in MODALITIES.items() if word in words), None)
    return known or _ASKED.get(word, text.upper())
