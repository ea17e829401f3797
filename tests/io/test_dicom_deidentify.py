"""One file without its patient: no byte names it, and what makes it an image is as before."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from dicom_planted import (
    KEY,
    SERIES_UID,
    WORDS,
    deidentify_all,
    deidentify_one,
    instance_uid,
    write_enhanced,
    write_planted,
)
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from medseg.io import dicom_cleaning
from medseg.io.dicom import check_series, find_series, read_series
from medseg.io.dicom_deidentify import deidentify_file
from medseg.io.dicom_pseudonyms import Pseudonyms


def _bytes_below(folder: Path) -> bytes:
    """Every file's bytes, and the paths below the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes() for path in files)


def _write(kind: str, folder: Path) -> None:
    if kind == "enhanced":
        write_enhanced(folder)
    else:
        write_planted(folder, modality=kind)


# Nothing of the patient is left


@pytest.mark.parametrize("kind", ["CT", "MR", "enhanced"])
@pytest.mark.parametrize("keep_descriptions", [False, True])
def test_no_byte_of_the_results_names_the_patient(kind: str, keep_descriptions: bool, tmp_path: Path) -> None:
    _write(kind, tmp_path / "Zabinsky")
    outcomes = deidentify_all(tmp_path / "Zabinsky", tmp_path / "out", keep_descriptions=keep_descriptions)
    assert {one.state for one in outcomes} == {"written"}
    source, result = _bytes_below(tmp_path / "Zabinsky").lower(), _bytes_below(tmp_path / "out").lower()
    for word in WORDS:
        assert word.lower().encode() in source, f"{word} was not planted"
        assert word.lower().encode() not in result


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_encoding_is_kept_and_cleaned(syntax: str, tmp_path: Path) -> None:
    def encode(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = (
            np.frombuffer(dataset.PixelData, "<u2").astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
        )

    first = write_planted(tmp_path / "in")[0]
    source = dcmread(first)
    encode(source)
    source.preamble = bytes(128)
    again = Dataset()  # a new object may be encoded in any way
    again.update(source)
    again.file_meta, again.preamble = source.file_meta, source.preamble
    for path in (tmp_path / "in").iterdir():
        path.unlink()
    again.save_as(first)
    (outcome,) = deidentify_all(tmp_path / "in", tmp_path / "out")
    assert outcome.written, outcome
    result = dcmread(outcome.written)
    assert result.file_meta.TransferSyntaxUID == syntax
    assert result.PixelData == source.PixelData
    assert result.PatientName == result.PatientID == outcome.patient
    assert b"Zabinsky" not in outcome.written.read_bytes()


def test_compressed_pixels_are_copied_bit_for_bit(tmp_path: Path) -> None:
    outcome, source, result = deidentify_one(tmp_path, lambda dataset: dataset.compress(RLELossless))
    assert result is not None
    assert result.file_meta.TransferSyntaxUID == RLELossless
    assert result.PixelData == source.PixelData
    assert np.array_equal(result.pixel_array, source.pixel_array)
    assert outcome.state == "written"


def test_file_meta_and_preamble_are_new(tmp_path: Path) -> None:
    outcome, _, result = deidentify_one(tmp_path)
    assert outcome.written is not None
    assert result is not None
    assert outcome.written.read_bytes()[:128] == bytes(128)
    assert {element.keyword for element in result.file_meta} == {
        *("FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID"),
        *("MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID"),
    }
    assert result.file_meta.MediaStorageSOPInstanceUID == result.SOPInstanceUID


@pytest.mark.parametrize(("charset", "name"), [("ISO_IR 100", "Müßigmann^Jörg"), ("ISO_IR 192", "Müßigmann^山田太郎")])
def test_names_in_other_character_sets_are_found(charset: str, name: str, tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.SpecificCharacterSet, dataset.PatientName = charset, name
        dataset.ReceiveCoilName = name.split("^")[0]

    outcome, _, result = deidentify_one(tmp_path, edit)
    assert outcome.state == "written"
    assert result is not None
    assert result.ReceiveCoilName == "REMOVED"
    assert name.split("^")[0] not in str(result)


def test_a_name_or_number_that_is_also_a_term_stops_nothing(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.PatientName, dataset.PatientID, dataset.RepetitionTime = "HEAD^PRIMARY", "1500", "1500"

    outcome, _, result = deidentify_one(tmp_path, edit)
    assert outcome.state == "written", outcome.reason
    assert result is not None
    assert (result.BodyPartExamined, result.RepetitionTime) == ("HEAD", 1500)


@pytest.mark.parametrize("word", ["PatientComments", "InstitutionName", "OtherPatientIDs"])
def test_a_result_that_still_names_its_patient_does_not_stay(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_cleaning, "ALLOWED", dicom_cleaning.ALLOWED | {word})
    monkeypatch.setattr(dicom_cleaning, "_TEXTS", frozenset())  # the first line of defence is down
    outcome, _, _ = deidentify_one(tmp_path)
    assert (outcome.state, outcome.code) == ("failed", "identity_left")
    assert "Zabinsky" not in outcome.reason
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


# What makes it an image stays


@pytest.mark.parametrize("kind", ["CT", "MR", "enhanced"])
def test_the_gate_sees_the_same_series(kind: str, tmp_path: Path) -> None:
    _write(kind, tmp_path / "in")
    deidentify_all(tmp_path / "in", tmp_path / "out")
    _compare(tmp_path / "in", tmp_path / "out", series=1, accepted=1)


def test_uids_are_new_and_still_lead_to_one_another(tmp_path: Path) -> None:
    write_planted(tmp_path / "in" / "a")
    write_planted(tmp_path / "in" / "b", seed=1, series_uid="1.2.276.0.99.8")
    deidentify_all(tmp_path / "in", tmp_path / "out")
    results = [dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    assert len({one.SOPInstanceUID for one in results}) == len(results) == 24
    assert len({one.SeriesInstanceUID for one in results}) == 2
    assert len({one.StudyInstanceUID for one in results}) == len({one.FrameOfReferenceUID for one in results}) == 1
    referenced = {one.ReferencedImageSequence[0].ReferencedSOPInstanceUID for one in results}
    assert referenced == {KEY.uid(instance_uid(SERIES_UID, 0))}
    assert referenced < {one.SOPInstanceUID for one in results}


def test_the_same_key_gives_the_same_bytes_and_another_key_other_names(tmp_path: Path) -> None:
    write_planted(tmp_path / "in")
    for name in ("one", "two"):
        deidentify_all(tmp_path / "in", tmp_path / name)
    assert _bytes_below(tmp_path / "one") == _bytes_below(tmp_path / "two")
    file = next((tmp_path / "in").iterdir())
    other = deidentify_file(file, tmp_path / "three", Pseudonyms(b"b" * 16), root=tmp_path / "in", taken=set())
    assert other.patient not in {path.name for path in (tmp_path / "one").iterdir()}


def test_two_files_of_one_instance_are_both_written(tmp_path: Path) -> None:
    first = write_planted(tmp_path / "in")[0]
    shutil.copy(first, tmp_path / "in" / "copy")
    outcomes = deidentify_all(tmp_path / "in", tmp_path / "out")
    assert len({one.written for one in outcomes}) == 13
    assert [w.code for w in find_series(tmp_path / "out").series[0].verdict.warnings] == ["duplicate_instance"]


# What is not written


def test_what_cannot_be_read_fails_and_what_is_no_dicom_is_counted(tmp_path: Path) -> None:
    paths = write_planted(tmp_path / "in")
    paths[0].write_bytes(b"")
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    paths[2].write_bytes(paths[2].read_bytes()[:400])
    (tmp_path / "in" / "zz.txt").write_text("hello, this is no DICOM")
    outcomes = deidentify_all(tmp_path / "in", tmp_path / "out")
    assert [one.state for one in outcomes] == ["failed"] * 3 + ["written"] * 9 + ["other"]
    assert [one.code for one in outcomes[:2]] == ["empty_file", "truncated"]


# Real series, and another program's eye


def _compare(before: Path, after: Path, *, series: int, accepted: int) -> None:
    """Shape, affine, voxels and verdicts of all series are equal, by their new UIDs."""
    found = {one.uid: one for one in find_series(after).series}
    originals = [one for one in find_series(before).series if KEY.uid(one.uid) in found]
    volumes = 0
    for one in originals:
        other = found[KEY.uid(one.uid)]
        verdict, again = check_series(one), check_series(other)
        assert (again.code, [w.code for w in again.warnings]) == (verdict.code, [w.code for w in verdict.warnings])
        assert other.shape == one.shape
        if verdict.accepted:
            volumes += 1
            (volume, _), (copied, _) = read_series(one), read_series(other)
            assert np.array_equal(copied.affine_ras, volume.affine_ras)
            assert np.array_equal(copied.array, volume.array)
    assert (len(originals), volumes) == (series, accepted)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "series", "accepted"),
    [
        ("mr_braintumor_4seq", 4, 4),
        ("ct_abdomen_j2k_seg", 1, 1),
        ("mr_enh_philips_b0", 1, 0),
        ("mr_enh_xa10_4d", 1, 0),
        ("mr_sag_HFS", 1, 1),
    ],
)
def test_the_gate_sees_the_same_real_series(
    name: str, series: int, accepted: int, real_data: Path, tmp_path: Path
) -> None:
    outcomes = deidentify_all(real_data / "dicom" / name, tmp_path)
    assert {one.state for one in outcomes} <= {"written", "other"}
    _compare(real_data / "dicom" / name, tmp_path, series=series, accepted=accepted)


def _errors(path: Path) -> set[str]:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace")
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}


@pytest.mark.external
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_dciodvfy_finds_no_error_in_ct_and_mr(modality: str, tmp_path: Path) -> None:
    write_planted(tmp_path / "in", modality=modality)
    outcomes = deidentify_all(tmp_path / "in", tmp_path / "out")
    assert {one.state for one in outcomes} == {"written"}
    for one in outcomes[:2]:
        assert one.written is not None
        assert _errors(one.written) == set()


@pytest.mark.external
@pytest.mark.realdata
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("name", ["mr_braintumor_4seq", "ct_abdomen_j2k_seg", "mr_enh_philips_b0", "mr_enh_xa10_4d"])
def test_dciodvfy_finds_no_error_that_the_source_had_not(name: str, real_data: Path, tmp_path: Path) -> None:
    outcomes = [one for one in deidentify_all(real_data / "dicom" / name, tmp_path) if one.written]
    for one in outcomes[:: max(1, len(outcomes) // 6)]:
        assert one.written is not None
        assert _errors(one.written) - _errors(one.source) == set()
