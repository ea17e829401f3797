"""Coded concepts: what a label is in words that a PACS, a viewer and a registry share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """One code of a terminology.

    Attributes:
        value: For example "79654002".
        scheme: Coding scheme designator as DICOM writes it: "SCT" for SNOMED CT, "DCM", "UCUM".
        meaning: For people, for example "Edema".
    """

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class CodedLabel:
    """A label or region of a bundle, as segments and measurements name it.

    Attributes:
        name: As the bundle calls it.
        values: Label map values it joins: one for a label, several for a region.
        category: Kind of thing, for example anatomical structure (DICOM PS3.16 CID 7150).
        type: The thing itself.
        site: Where in the body; None where ``type`` is itself anatomy.
        modifier: Laterality or part of ``type``; None for none.
        colour: sRGB, 0 to 255 each, for viewers; None leaves it to them.
    """

    name: str
    values: tuple[int, ...]
    category: Concept
    type: Concept
    site: Concept | None = None
    modifier: Concept | None = None
    colour: tuple[int, int, int] | None = None
