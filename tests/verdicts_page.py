"""The page docs/reference/verdicts.md, written from what the gates really say.

Run `python tests/verdicts_page.py --write` after a message, a code or a case has changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "io"))  # the table of good and bad series

import dicom_headers as h
from dicom_case import Case, no, write_case
from dicom_cases import CASES

from medseg.bundle.expected_input import ExpectedInput
from medseg.bundle.validity import AXES, Limits, Validity
from medseg.core.errors import DicomError
from medseg.core.series_rules import Condition, SeriesRules
from medseg.core.verdict import Finding
from medseg.core.volume import Volume
from medseg.datasets.series_match import match_series
from medseg.io.codes import CODES
from medseg.io.dicom import check_series, find_series
from medseg.io.dicom_uids import require_uids
from medseg.io.nifti_gate import judge_nifti
from medseg.runs.report_facts import ReportChannel
from medseg.steps.expectation import judge_scan, with_expectation
from medseg.steps.jobs import Job, Scan
from medseg.steps.results import ResultOptions, left_out

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "verdicts.md"
_HEAD = """# Verdict codes

Every series and file that is read gets a verdict: **accepted**, **accepted with warnings**, or **refused**. Each
refusal and each warning has a code, which does not change between versions, and one sentence. `medseg check --input`
prints them, `run.json` keeps them, and the report page shows them. The limits behind them are in [DICOM](dicom.md).

In the messages DIR is the folder that was given, and `series 7 'Good' (MR)` is how medseg calls a series: number,
description, modality. No message holds a patient's name, number or date. Names of files and folders are shown.

*Written by `tests/verdicts_page.py --write`; a test holds it to what the gates say.*
"""
_TITLES = {
    "refused": "## Refused\n\nNothing is made of a refused series. A study fails where no other serves the channel.",
    "warning": "## Warnings\n\nThe series is used; who reads the result should know.",
}
# The first case of a code is shown; these say it better.
_BETTER = {
    "several_volumes": "two echoes",
    "tilt": "tilted by 20 degrees",
    "truncated": "two bytes short",
    "lossy": "JPEG baseline",
}


def example(code: str, folder: Path) -> str:
    """A sentence with this code, said now.

    Args:
        code: A row of ``CODES``.
        folder: Empty; gets the input.
    """
    if code in _OTHERS:
        finding = _OTHERS[code](folder / "DIR")
        return _plain(finding.sentence, folder)
    for case in _cases(code):
        place = folder / str(len(list(folder.iterdir()))) / "DIR"
        write_case(case, place)
        for finding in _findings(case, place):
            if finding.code == code:
                return _plain(finding.sentence, place.parent)
    raise LookupError(f"no case gives '{code}'")


def line(code: str, folder: Path) -> str:
    """A row of the page."""
    row = CODES[code]
    message = example(code, folder).replace("|", "\\|").replace("`", "'")
    return f"| `{code}` | {row.cause} | `{message}` | {row.remedy} |"


def page(lines: Mapping[str, str]) -> str:
    """The whole page from the line of each code."""
    parts = [_HEAD]
    for severity, title in _TITLES.items():
        rows = "".join(f"\n{lines[code]}" for code, row in CODES.items() if row.severity == severity)
        parts.append(f"{title}\n\n| Code | Cause | Example | What to do |\n| --- | --- | --- | --- |{rows}\n")
    return "\n".join(parts)


def _cases(code: str) -> Iterator[Case]:
    if code in _BETTER:
        yield CASES[_BETTER[code]]
    yield from (case for case in CASES.values() if case.codes == (code,))
    yield from (case for case in CASES.values() if code in case.codes)


def _findings(case: Case, place: Path) -> Iterator[Finding]:
    for series in find_series(place, select=case.select, resample_tilt=case.resample_tilt).series:
        verdict = check_series(series)
        yield from (*verdict.refusals, *verdict.warnings)


def _plain(text: str, folder: Path) -> str:
    """Without the folders of this machine."""
    for root in (folder.resolve(), folder):
        text = text.replace(f"{root}/", "")
    return text


# What other steps than the gate of DICOM series say


def _damaged_nifti(place: Path) -> Finding:
    path = _nifti(place)
    path.write_bytes(path.read_bytes()[:400])
    return judge_nifti(path).verdict.refusals[0]


def _misplaced_nifti(place: Path) -> Finding:
    return judge_nifti(_nifti(place, between_slices_mm=2.5)).verdict.refusals[0]


def _nifti(place: Path, between_slices_mm: float = 3.0) -> Path:
    """A file whose sform says 3 mm between slices, and its qform perhaps something else."""
    place.mkdir(parents=True)
    image = nibabel.Nifti1Image(np.zeros((20, 20, 10), np.int16), np.diag([1.0, 1.0, 3.0, 1.0]))
    image.set_qform(np.diag([1.0, 1.0, between_slices_mm, 1.0]), code=1)
    nibabel.save(image, place / "brain.nii")
    return place / "brain.nii"


def _without_uids(place: Path) -> Finding:
    write_case(CASES["no UIDs"], place)
    try:
        require_uids(find_series(place).series[0])
    except DicomError as error:
        return Finding(error.code, str(error))
    raise LookupError("a series without UIDs may be referenced")


def _refused_beside(place: Path) -> Finding:
    """Two series that one rule recognises, one of them with a gap."""
    write_case(no("", change=h.both(h.again(h.other_series(), slice(12)), h.without(5))), place)
    rules = SeriesRules("t1", {"t1": ((Condition("Modality", "in", ("MR",)),),)}, ("most_slices",))
    match = match_series(rules, find_series(place).series, channels=["t1"])
    return Finding("series_refused", match.warnings[0])


def _head(spacing_mm: float = 1.0) -> Scan:
    head = Volume(np.ones((1, 200, 200, 100), np.float32), np.diag([1.0, 1.0, spacing_mm, 1.0]))
    return Scan(head, (ReportChannel("t1", "", 1, "", head.shape, head.spacing_mm, False, "accepted"),))


def _unlike_training(_: Path) -> Finding:
    expected = ExpectedInput(nonzero_ml_at_most=2500, because="it was trained on brains without skull")
    return with_expectation(_head(), expected).warnings[0]


def _outside_validity(_: Path) -> Finding:
    """CT with thick slices, for a model of MR in voxels of 1 mm."""
    spacing = dict.fromkeys(AXES, Limits(seen=(1.0, 1.0), warn=(0.9, 1.1), refuse=(0.5, 2.0)))
    validity = Validity(20, 20, ("MR",), spacing, {}, ("RAS",), False, {}, {})
    return judge_scan(_head(spacing_mm=5.0), [validity], modality="CT").refusals[0]


def _not_dicom(_: Path) -> Finding:
    nothing = Volume(np.zeros((1, 2, 2, 2), np.float32), np.eye(4))
    job = Job("P1", (), {0: 0}, lambda: Scan(nothing, ()), lambda *_: None)
    return left_out(job, ResultOptions(formats=("nifti", "dicom-seg")))[0]


_OTHERS: Mapping[str, Callable[[Path], Any]] = {
    "nifti_unreadable": _damaged_nifti,
    "nifti_geometry": _misplaced_nifti,
    "no_uids": _without_uids,
    "series_refused": _refused_beside,
    "outside_validity": _outside_validity,
    "unlike_training": _unlike_training,
    "not_dicom": _not_dicom,
}


def write_page() -> None:
    """Ask for every code and write the page."""
    lines = {}
    for code in CODES:
        with TemporaryDirectory() as folder:
            lines[code] = line(code, Path(folder))
            print(lines[code], flush=True)
    PAGE.write_text(page(lines), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/verdicts_page.py --write")
    write_page()
