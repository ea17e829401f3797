"""Rows of the table of series: slices, doubles, mixtures and places."""

from __future__ import annotations

import dicom_bytes as b
import dicom_headers as h
import dicom_pixels as x
import numpy as np
from dicom_bytes import to_all, to_one
from dicom_case import no, ok, part, straightened, thinner, warn
from dicom_headers import again, as_class, as_it_is, both, each, kept, numbered, odd, on_all, on_one, text_in, without
from pydicom.uid import MRImageStorage

_JITTER_MM = np.random.default_rng(0).uniform(-0.01, 0.01, 12)
_SECOND_TIME = again(numbered(TemporalPositionIdentifier=lambda n: 2, AcquisitionNumber=lambda n: 2))
_SECOND_ECHO = again(each(EchoTime="80", EchoNumbers=2))
_OTHER_PATIENT = {"PatientID": "OTHER", "PatientName": "Other^Name"}
_OTHER_IN_FOLDER = again(h.other_series(**_OTHER_PATIENT, StudyInstanceUID="1.2.3.4"), slice(6))
_GAP = r"6(\.0+)? mm.*3(\.0+)? mm.*1 slice"

SLICES = {
    "good MR": ok(),
    "good CT": ok(modality="CT"),
    "10 slices": ok(change=kept(slice(1, 11)), differs=part(1, 11)),
    "a slice missing": no("slice_missing", _GAP, r"004\.dcm.*005\.dcm", change=without(5)),
    "two neighbours missing": no("slice_missing", r"9(\.0+)? mm", "2 slices", change=without(5, 6)),
    "two slices missing apart": no("slice_missing", _GAP, change=without(3, 8)),
    "a slice missing of five": no("slice_missing", _GAP, change=both(kept(slice(5)), without(2))),
    "the last slice missing": ok(change=without(11), differs=part(0, 11)),
    "the first slice missing": ok(change=without(0), differs=part(1, 12)),
    "an announced slice missing": warn(
        "slices_announced", "11", "12", change=both(each(ImagesInAcquisition="12"), without(11)), differs=part(0, 11)
    ),
    "every second slice missing in half of it": no("spacing_uneven", "uniform", change=without(6, 8, 10)),
    "spacing twice as wide from the middle": no(
        "spacing_uneven", change=h.at_depths(lambda n: 3 * n + 3 * max(n - 6, 0))
    ),
    "spacing grows from 1 to 7 mm": no("spacing_uneven", change=h.at_depths(lambda n: n + 0.27 * n * n)),
    "one slice a third out of place": no("spacing_uneven", change=h.at_depths(lambda n: 3 * n + (n == 5))),
    "slices out of place by 2 %": warn(
        "spacing_jitter", "distance", change=h.at_depths(lambda n: 3 * n + 0.06 * (n == 5))
    ),
    "positions printed to 10 um": ok(change=h.at_depths(lambda n: 3 * n + _JITTER_MM[n]), place_mm=0.02),
    "thin slices printed to 10 um": ok(
        change=h.at_depths(lambda n: n + _JITTER_MM[n]), differs=thinner(3), place_mm=0.02
    ),
    "a single slice": no("too_few_slices", "1 slice", change=kept(slice(5, 6))),
    "two slices": warn("few_slices", "2 slices", change=kept(slice(5, 7)), differs=part(5, 7)),
    "five slices": warn("few_slices", "5 slices", change=kept(slice(5)), differs=part(0, 5)),
}

TWICE = {
    "a file twice": warn("duplicate_instance", "duplicate", change=h.copied),
    "the whole series in two folders": warn("duplicate_instance", "12", damage=b.copied_to("again")),
    "one instance with two contents": no("instance_twice", r"005\.dcm", change=both(h.copied, on_one(h.brighter))),
    "one instance UID for all": no("instance_twice", change=each(SOPInstanceUID="1.2.3")),
    "one place, other pixels": no(("position_twice"), "same position", change=again(on_all(h.brighter), slice(5, 6))),
    "one place, the same pixels as a new instance": no("position_twice", change=again(as_it_is, slice(5, 6))),
    "all twice as new instances": no("position_twice", change=again(as_it_is)),
    "two time points": no("several_volumes", "2 volumes", "--select", "Temporal", change=_SECOND_TIME),
    "half of a second time point": no("several_volumes", change=both(_SECOND_TIME, kept(slice(18)))),
    "one slice of a second time point": no("several_volumes", change=both(_SECOND_TIME, kept(slice(13)))),
    "two acquisitions": no("several_volumes", "AcquisitionNumber", change=again(each(AcquisitionNumber="2"))),
    "two echoes": no("several_volumes", r"--select EchoTime=\d+", "80", change=_SECOND_ECHO),
    "one echo of two": warn("selected", "12 of 24", change=_SECOND_ECHO, select={"EchoTime": "10"}),
    "an echo that is not there": no("several_volumes", "EchoTime=11", change=_SECOND_ECHO, select={"EchoTime": "11"}),
    "a chosen echo with a gap": no("slice_missing", change=both(_SECOND_ECHO, without(5)), select={"EchoTime": "10"}),
    "echoes taken in turns": no(
        "several_volumes", "EchoTime", change=numbered(EchoTime=lambda n: str(10 + n % 2 * 70))
    ),
    "two b-values": no(
        "several_volumes", "BValue", change=both(each(DiffusionBValue=0.0), again(each(DiffusionBValue=1e3)))
    ),
    "magnitude and phase": no(
        "several_volumes", "ImageType", change=again(each(ImageType=["ORIGINAL", "PRIMARY", "P", "ND"]))
    ),
    "two kernels": no(
        "several_volumes",
        "ConvolutionKernel",
        change=both(each(ConvolutionKernel="B30f"), again(each(ConvolutionKernel="B70f"))),
        modality="CT",
    ),
}

MIXED = {
    "two patients in a series": no("patients_mixed", "patient", change=odd(**_OTHER_PATIENT)),
    "two names without ids": no("patients_mixed", change=both(each(PatientID=""), odd(PatientName="Other^Name"))),
    "two patients in a folder": no("patients_mixed", "2 patients", change=_OTHER_IN_FOLDER),
    "two studies in a series": no("studies_mixed", "stud", change=odd(StudyInstanceUID="1.2.3")),
    "two frames of reference": no("frames_of_reference_mixed", "frame", change=odd(FrameOfReferenceUID="1.2.3")),
    "one slice without frame of reference": no("frames_of_reference_mixed", change=odd(FrameOfReferenceUID=None)),
    "two series in a folder": ok(change=again(h.other_series(), slice(11))),
    "a row less in one slice": no("size_differs", "31", "32", r"005\.dcm", change=on_one(x.one_row_less)),
    "a column less in one slice": no("size_differs", "35", "36", r"005\.dcm", change=on_one(x.one_column_less)),
    "other pixel spacing in one slice": no(
        "pixel_spacing_differs", r"005\.dcm", r"1\.21", change=odd(PixelSpacing=["1.21", "0.99"])
    ),
    "pixel spacing printed shorter in one slice": ok(change=odd(PixelSpacing=["1.10001", "0.90001"]), place_mm=2e-4),
    "MONOCHROME1 in one slice": no(
        "pixel_format_differs", r"005\.dcm", "MONOCHROME1", change=odd(PhotometricInterpretation="MONOCHROME1")
    ),
    "8 bits in one slice": no("pixel_format_differs", r"005\.dcm", change=on_one(x.as_eight_bits)),
    "16 bits used in one slice": no("pixel_format_differs", change=odd(BitsStored=16, HighBit=15)),
    "one slice that says 8 bits and uses 12": no("pixel_format_differs", change=odd(BitsStored=8, HighBit=7)),
    "CT said in one slice of an MR": no(
        ("not_a_scan", "pixel_format_differs", "rescale_absent"), change=odd(Modality="CT")
    ),
    "MR said in the first slice of a CT without rescale": no(
        ("not_a_scan", "pixel_format_differs", "rescale_absent"),
        change=both(on_one(as_class(MRImageStorage, "MR"), 0), each(RescaleSlope=None, RescaleIntercept=None)),
        modality="CT",
    ),
}

_PLAIN = each(PixelSpacing=["1.1", "0.9"])
_COMMAS = b.replaced(b"DS\x08\x001.1\\0.9 ", b"DS\x08\x001,1\\0,9 ")
GEOMETRY = {
    "tilted by 20 degrees": no("tilt", r"(19|2\d)(\.\d+)? degrees", "--resample-tilt", change=h.sheared(0, 1)),
    "tilted along both axes": no("tilt", change=h.sheared(0.5, -0.5)),
    "tilted by a degree": no("tilt", change=h.sheared(0, 0.05)),
    "tilted, to be resampled": warn(
        "tilt_resampled", "tilt", change=h.sheared(0, 1), resample_tilt=True, differs=straightened, atol=0.05
    ),
    "a gap in a tilted series": no("slice_missing", change=both(h.sheared(0, 1), without(5)), resample_tilt=True),
    "shifted by a third of a pixel in all": warn("slight_tilt", "sideways", change=h.sheared(0, 0.03), place_mm=0.4),
    "GantryDetectorTilt with straight slices": ok(change=each(GantryDetectorTilt="0.5")),
    "cosines that differ by 1e-4": ok(change=h.jittered(1e-4), place_mm=0.02),
    "cosines that differ by 5e-4": warn("orientation_jitter", change=h.jittered(5e-4), place_mm=0.02),
    "one slice turned by 5 degrees": no("orientation_differs", r"005\.dcm", change=h.turned(5, [5])),
    "half of the slices across": no("orientation_differs", "6 of 12", change=h.turned(90, range(6))),
    "no position": no("position_absent", "ImagePositionPatient", "12", change=each(ImagePositionPatient=None)),
    "one slice without position": no("position_absent", r"005\.dcm", change=odd(ImagePositionPatient=None)),
    "no orientation": no("orientation_absent", "ImageOrientationPatient", change=each(ImageOrientationPatient=None)),
    "one slice without orientation": no("orientation_absent", r"005\.dcm", change=odd(ImageOrientationPatient=None)),
    "no pixel spacing": no("pixel_spacing_absent", "PixelSpacing", change=each(PixelSpacing=None)),
    "one slice without pixel spacing": no("pixel_spacing_absent", r"005\.dcm", change=odd(PixelSpacing=None)),
    "ImagerPixelSpacing instead": no(
        "pixel_spacing_absent", change=each(PixelSpacing=None, ImagerPixelSpacing=["1", "1"])
    ),
    "pixel spacing as text": no(
        "pixel_spacing_absent", "mm", change=on_all(text_in("PixelSpacing", "1.1 mm", "0.9 mm"))
    ),
    "commas in pixel spacing": no("pixel_spacing_absent", "PixelSpacing", change=_PLAIN, damage=to_all(_COMMAS)),
    "commas in one pixel spacing": no("pixel_spacing_absent", r"005\.dcm", change=_PLAIN, damage=to_one(_COMMAS)),
    "one pixel spacing of two": no("pixel_spacing_absent", change=each(PixelSpacing="1.1")),
    "pixel spacing 0": no("pixel_spacing_absent", "0", change=each(PixelSpacing=["0", "0"])),
    "pixel spacing below 0": no("pixel_spacing_absent", "-1", change=each(PixelSpacing=["-1.1", "0.9"])),
    "NaN in a position": no("position_absent", r"005\.dcm", change=odd(ImagePositionPatient=["nan", "0", "0"])),
    "infinity in a position": no("position_absent", r"005\.dcm", change=odd(ImagePositionPatient=["0", "inf", "0"])),
    "two numbers as position": no("position_absent", r"005\.dcm", change=odd(ImagePositionPatient=["0", "0"])),
    "text in a position": no(
        "position_absent", r"005\.dcm", change=on_one(text_in("ImagePositionPatient", "a", "b", "c"))
    ),
    "cosines of length 2": no(
        "orientation_absent", change=each(ImageOrientationPatient=["2", "0", "0", "0", "2", "0"])
    ),
    "rows along columns": no("orientation_absent", change=each(ImageOrientationPatient=["1", "0", "0", "1", "0", "0"])),
    "cosines 0": no("orientation_absent", change=each(ImageOrientationPatient=["0"] * 6)),
    "a wrong slice thickness": ok(change=each(SliceThickness="99", SpacingBetweenSlices="99")),
    "text in the slice thickness": ok(change=on_all(text_in("SliceThickness", "3,0 mm"))),
    "a slice location that lies": ok(change=each(SliceLocation="0")),
}
