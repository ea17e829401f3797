"""Every odd and every bad series tried, by name; one row is one test."""

from __future__ import annotations

from collections.abc import Mapping

from dicom_case import Case
from dicom_cases_kinds import ENHANCED, KINDS
from dicom_cases_stacks import GEOMETRY, MIXED, SLICES, TWICE
from dicom_cases_values import CODINGS, DAMAGE, FOLDERS, VALUES

CASES: Mapping[str, Case] = {
    **SLICES,
    **TWICE,
    **MIXED,
    **GEOMETRY,
    **KINDS,
    **ENHANCED,
    **VALUES,
    **CODINGS,
    **DAMAGE,
    **FOLDERS,
}
