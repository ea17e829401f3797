"""Every code that the gates give stands in the table, and every row of the table is given by some gate."""

import re
from pathlib import Path

import pytest

import medseg
from medseg.io.codes import CODES

OF_DEIDENTIFY = {"burned_in"}  # told of a copy that was made, not of an input
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in Path(medseg.__file__).parent.rglob("*.py"))
GIVEN = re.sub(r"(?s)CODES: Mapping.*?\n}\n", "", SOURCES)


@pytest.mark.parametrize("code", list(CODES))
def test_a_row_names_cause_and_remedy_and_is_given_somewhere(code: str) -> None:
    row = CODES[code]
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", code)
    assert row.severity in ("refused", "warning")
    assert row.cause
    assert row.remedy
    assert f'"{code}"' in GIVEN


@pytest.mark.parametrize("code", sorted(set(re.findall(r'Finding\(\s*"(\w+)"', SOURCES))))
def test_a_finding_has_a_code_of_the_table(code: str) -> None:
    assert code in {*CODES, *OF_DEIDENTIFY}
