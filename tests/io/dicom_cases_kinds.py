"""Rows of the table of series: what is no scan, and multi-frame objects."""

from __future__ import annotations

import dicom_bytes as b
import dicom_codings as c
import dicom_enhanced as e
import dicom_headers as h
import dicom_pixels as x
from dicom_bytes import first_of
from dicom_case import no, ok, warn
from dicom_codings import compressed
from dicom_headers import again, as_class, both, each, kept, odd, on_all, on_one, without
from pydicom.uid import RLELossless

SC, XRAY, ULTRASOUND = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.6.1"
SEG, SR = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"
RTSTRUCT, PR = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.11.1"

_LOCALIZER = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

KINDS = {
    "a localizer among the slices": no("localizer", "locali[sz]er", change=odd(ImageType=_LOCALIZER)),
    "a series of localizers": no("localizer", change=each(ImageType=_LOCALIZER)),
    "a localizer across the slices": no(
        ("localizer", "orientation_differs"),
        change=again(both(h.turned(90, [0]), each(ImageType=_LOCALIZER)), slice(1)),
    ),
    "screenshots": no("secondary_capture", change=both(on_all(as_class(SC, "OT")), each(ImagePositionPatient=None))),
    "a screenshot among the slices": no(
        ("secondary_capture", "position_absent"), change=both(on_one(as_class(SC)), odd(ImagePositionPatient=None))
    ),
    "a placed scan as secondary capture": warn("derived_class", "secondary capture", change=on_all(as_class(SC))),
    "colour": no("colour", "RGB", "3", change=on_all(x.as_colour)),
    "colour screenshots": no("colour", change=both(on_all(x.as_colour), on_all(as_class(SC)))),
    "one colour slice": no(("colour", "pixel_format_differs"), r"005\.dcm", change=on_one(x.as_colour)),
    "colours by a palette": no("colour", "PALETTE", change=on_all(x.as_palette)),
    "X-rays": no("not_a_scan", change=on_all(as_class(XRAY, "CR"))),
    "ultrasound": no("not_a_scan", change=on_all(as_class(ULTRASOUND, "US"))),
    "no modality": no("not_a_scan", "modality", change=each(Modality="")),
    "a Siemens mosaic": no("mosaic", "dcm2niix", change=each(ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])),
    "a mosaic that only a private tag tells": no("mosaic", "36", change=on_all(x.as_private_mosaic)),
    "tiles of United Imaging": no("mosaic", change=each(ImageType=["ORIGINAL", "PRIMARY", "M_FFE", "VFRAME"])),
    "a segmentation beside": ok(change=h.result(SEG, "SEG")),
    "a report beside": ok(change=h.result(SR, "SR")),
    "structures beside": ok(change=h.result(RTSTRUCT, "RTSTRUCT")),
    "a presentation beside": ok(change=h.result(PR, "PR")),
    "a report in the series": no("result_object", r"012\.dcm", change=h.result(SR, "SR", same_series=True)),
    "a report alone": no("result_object", "SR", change=both(h.result(SR, "SR", same_series=True), kept(slice(12, 13)))),
    "a segmentation alone": no(
        "result_object", change=both(h.result(SEG, "SEG", same_series=True), kept(slice(12, 13)))
    ),
    "no SOP class": warn("uids_absent", "SOPClassUID", change=on_all(as_class(""))),
    "no UIDs": warn(
        "uids_absent",
        "SeriesInstanceUID",
        change=both(on_all(as_class("")), each(SOPInstanceUID="", SeriesInstanceUID="", StudyInstanceUID="")),
    ),
}

ENHANCED = {
    "enhanced MR": ok(change=e.enhanced()),
    "enhanced CT": ok(change=e.enhanced(), modality="CT"),
    "enhanced, frames in reverse": ok(change=e.enhanced(order=lambda n: 11 - n)),
    "enhanced, a slope for each frame": ok(change=both(x.own_slopes, e.enhanced())),
    "enhanced, frames in two files": ok(change=e.in_two_files),
    "enhanced RLE": ok(change=e.enhanced(), damage=first_of(compressed(RLELossless))),
    "enhanced J2K": ok(change=e.enhanced(), damage=first_of(c.as_jpeg2000)),
    "enhanced, a frame missing": no("slice_missing", change=both(without(5), e.enhanced())),
    "enhanced, two time points": no("several_stacks", "Temporal", change=e.enhanced(edit=e.at_time, repeats=2)),
    "enhanced, the first time point": warn(
        "selected",
        change=e.enhanced(edit=e.at_time, repeats=2),
        select={"TemporalPositionIndex": "1"},
    ),
    "enhanced, two stacks at one place": no("several_stacks", "Stack", change=e.enhanced(edit=e.in_stack, repeats=2)),
    "enhanced, two stacks across": no(
        ("several_stacks", "orientation_differs"), change=e.enhanced(edit=e.in_turned_stack, repeats=2)
    ),
    "enhanced, two stacks side by side": no(
        ("several_stacks", "spacing_uneven", "slice_missing", "tilt"),
        change=e.enhanced(edit=e.in_stack_beside, repeats=2),
    ),
    "two enhanced objects in a series": no("several_volumes", "2 volumes", change=e.two_objects),
    "enhanced, one frame with thinner pixels": no(
        "pixel_spacing_differs", change=e.enhanced(edit=e.with_thinner_pixels)
    ),
    "enhanced, one frame without position": no("position_absent", change=e.enhanced(edit=e.without_position)),
    "enhanced CT without rescale": no("rescale_absent", change=e.enhanced(edit=e.without_rescale), modality="CT"),
    "enhanced, one frame undescribed": no(("position_absent", "several_stacks"), change=e.one_frame_undescribed),
    "frames without a place": no("position_absent", "12 frames", change=e.without_groups),
    "enhanced, more frames announced": no(("position_absent", "truncated"), change=e.announcing(13)),
    "enhanced, a billion frames announced": no(
        ("position_absent", "too_large", "truncated"), change=e.announcing(10**9)
    ),
    "enhanced, cut short": no("truncated", r"000\.dcm", change=e.enhanced(), damage=first_of(b.cut_to(0.9))),
}
