"""Every odd and bad series, from files to verdict and volume."""

import re
from pathlib import Path

import numpy as np
import pytest
from dicom_case import Case, write_case
from dicom_cases import CASES
from dicom_good import IDENTITY, good_datasets, good_volume

from medseg.core.errors import DicomError
from medseg.core.verdict import Finding, Verdict
from medseg.core.volume import Volume
from medseg.io import dicom
from medseg.io.codes import CODES
from medseg.io.dicom import Found, find_series, read_series
from medseg.io.dicom_series import Series

# The modules that judge and read a series; other codes are given by later steps and by the NIfTI gate.
GATE = ("", "_files", "_gate", "_geometry", "_kind", "_native", "_pixels", "_sameness", "_volume", "_volumes")


@pytest.fixture(scope="module", params=list(CASES), ids=lambda name: name.replace(" ", "_"))
def tried(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, Found, Verdict, Volume | None]:
    """A case, what was found in its folder, the verdict of its series, and the volume where there is one."""
    case = CASES[request.param]
    folder = tmp_path_factory.mktemp("case") / "study"
    write_case(case, folder)
    found = find_series(folder, select=case.select, resample_tilt=case.resample_tilt)
    if not found.series:  # no file could be read
        return case, found, Verdict(tuple(one.finding for one in found.damaged)), None
    return case, found, *read(judged(found, case))


def judged(found: Found, case: Case) -> Series:
    """The series that the case is about: of the good UID, or the only one."""
    uid = good_datasets(case.modality)[0].SeriesInstanceUID
    of_uid = [one for one in found.series if one.uid == uid]
    (series,) = of_uid or found.series
    return series


def read(series: Series) -> tuple[Verdict, Volume | None]:
    try:
        volume, verdict = read_series(series)
    except DicomError as error:
        late = Verdict((Finding(error.code, str(error)),))
        return (late if series.verdict.accepted else series.verdict), None
    return verdict, volume


def test_the_verdict_is_the_right_one(tried) -> None:
    case, _, verdict, _ = tried
    said = [*verdict.refusals, *verdict.warnings]
    given = "refused" if verdict.refusals else "warned" if verdict.warnings else "accepted"
    assert given == case.verdict, said
    if case.verdict == "refused":
        assert verdict.code in case.codes, said
    if case.verdict == "warned":
        assert {finding.code for finding in verdict.warnings} & {*case.codes}, said


def test_the_sentences_say_what_is_so(tried) -> None:
    case, _, verdict, _ = tried
    said = " ".join(finding.sentence for finding in (*verdict.refusals, *verdict.warnings))
    for pattern in case.says:
        assert re.search(pattern, said, re.IGNORECASE), f"{pattern!r} is not in: {said}"


def test_every_sentence_names_the_series_in_one_line(tried) -> None:
    _, found, verdict, _ = tried
    for finding in (*verdict.refusals, *verdict.warnings):
        assert finding.code in CODES
        assert CODES[finding.code].severity == ("refused" if finding in verdict.refusals else "warning")
        named = r"series( [78])?( 'Good')? \(.+\): " if found.series else r"'.+\.dcm': "
        assert re.match(named, finding.sentence), finding.sentence
        assert "\n" not in finding.sentence


def test_no_sentence_tells_who_the_patient_is(tried) -> None:
    _, found, verdict, _ = tried
    said = " ".join(
        one.sentence for one in (*verdict.refusals, *verdict.warnings, *(one.finding for one in found.damaged))
    )
    assert [value for value in (*IDENTITY.values(), "Zzyzx", "Quentin", "Other^") if value in said] == []


def test_an_accepted_series_is_the_volume_it_should_be(tried) -> None:
    case, _, _, volume = tried
    if case.verdict == "refused":
        assert volume is None
        return
    right = case.differs(good_volume(case.modality))
    assert volume.array.shape == right.array.shape
    assert corners_apart_mm(volume, right) <= case.place_mm
    assert np.abs(volume.array - right.array).max() <= case.atol


def corners_apart_mm(one: Volume, other: Volume) -> float:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in one.shape], indexing="ij")).reshape(3, -1)
    places = (one.affine_ras - other.affine_ras) @ np.vstack([corners, np.ones(corners.shape[1])])
    return float(np.linalg.norm(places[:3], axis=0).max())


def test_every_code_of_the_gate_has_a_case() -> None:
    source = "".join(Path(dicom.__file__).with_name(f"dicom{name}.py").read_text(encoding="utf-8") for name in GATE)
    given = {code for code in CODES if f'"{code}"' in source}
    assert len(given) > 40
    assert given - {code for case in CASES.values() for code in case.codes} == set()


def test_two_series_of_a_folder_are_read_apart(tmp_path: Path) -> None:
    write_case(CASES["two series in a folder"], tmp_path)
    assert sorted(series.shape[2] for series in find_series(tmp_path).series if series.shape) == [11, 12]


def test_every_series_of_a_folder_with_two_patients_is_refused(tmp_path: Path) -> None:
    write_case(CASES["two patients in a folder"], tmp_path)
    assert [series.verdict.code for series in find_series(tmp_path).series] == ["patients_mixed"] * 2


@pytest.mark.parametrize("kind", ["segmentation", "report", "structures", "presentation"])
def test_a_result_object_is_listed_and_is_no_image(tmp_path: Path, kind: str) -> None:
    (name,) = (name for name in CASES if name in (f"a {kind} beside", f"{kind} beside"))
    write_case(CASES[name], tmp_path)
    (other,) = (series for series in find_series(tmp_path).series if series.number == 8)
    assert not other.is_image
    assert other.verdict.code == "result_object"


def test_files_that_are_no_dicom_are_counted(tmp_path: Path) -> None:
    write_case(CASES["other files beside"], tmp_path)
    assert find_series(tmp_path).others == 3  # system files and hidden files are not worth a word


def test_a_folder_without_dicom_holds_no_series(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    found = find_series(tmp_path)
    assert found.series == ()
    assert found.others == 1
