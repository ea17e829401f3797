"""Pages of facts say what the code says now: verdict codes with their messages, and the limits of the gates."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import verdicts_page

from medseg.io.codes import CODES
from medseg.io.dicom_kind import SCANS

DICOM = Path(__file__).resolve().parents[1] / "docs" / "reference" / "dicom.md"
# All limits of the first are on the page; of the others those that a reader may meet.
WHOLE = ("io.dicom_files", "io.dicom_gate", "io.dicom_geometry", "io.dicom_sameness", "core.geometry")
OTHERS = ("io.dicom_volume", "io.nifti_geometry", "steps.dicom_jobs", "datasets.series_grid")
UNITS = {"MiB": 2**20, "GiB": 2**30}


@pytest.mark.parametrize("code", list(CODES))
def test_the_page_of_verdicts_shows_what_is_said_now(code: str, tmp_path: Path) -> None:
    listed = [line for line in verdicts_page.PAGE.read_text(encoding="utf-8").splitlines() if f"| `{code}` |" in line]
    assert listed == [verdicts_page.line(code, tmp_path)], "write the page again: python tests/verdicts_page.py --write"


def test_the_page_of_verdicts_has_no_other_row() -> None:
    text = verdicts_page.PAGE.read_text(encoding="utf-8")
    rows = {code: next(line for line in text.splitlines() if line.startswith(f"| `{code}` |")) for code in CODES}
    assert text == verdicts_page.page(rows)


def _limits(module: ModuleType) -> dict[str, Any]:
    public = {name: value for name, value in vars(module).items() if name.isupper() and not name.startswith("_")}
    return {name: value for name, value in public.items() if isinstance(value, int | float | tuple)}


def _table() -> dict[str, str]:
    section = DICOM.read_text(encoding="utf-8").split("\n## Limits\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE))


def _numbers(cell: str) -> list[float]:
    found = re.findall(r"(-?[\d.]+)(?: (MiB|GiB))?", cell)
    return [float(number) * UNITS.get(unit, 1) for number, unit in found]


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    known: dict[str, Any] = {}
    for name in (*WHOLE, *OTHERS):
        known |= _limits(importlib.import_module(f"medseg.{name}"))
    for name, cell in _table().items():
        value = known[name]
        assert _numbers(cell) == [float(one) for one in (value if isinstance(value, tuple) else (value,))], name


def test_every_limit_of_the_gate_is_on_the_page() -> None:
    limits = {name for module in WHOLE for name in _limits(importlib.import_module(f"medseg.{module}"))}
    assert limits - set(_table()) == set()


def test_every_class_that_is_read_is_on_the_page() -> None:
    section = DICOM.read_text(encoding="utf-8").split("\n## What is read\n")[1].split("\n## ")[0]
    rows = {row.split("|")[1].strip(): row.lower() for row in section.splitlines() if row.startswith("| ")}
    for name in SCANS.values():
        kind = name.split()[-1]
        assert name.removesuffix(kind).strip().lower() in rows[kind], name
