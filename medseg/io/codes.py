"""Every code a gate can give: what it means, and what its reader should do. The reference table is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple


class Code(NamedTuple):
    """One row of the table.

    Attributes:
        severity: Whether the input is refused or used with a warning.
        cause: What is so about the input.
        remedy: What to do.
    """

    severity: Literal["refused", "warning"]
    cause: str
    remedy: str


def _refused(cause: str, remedy: str) -> Code:
    return Code("refused", cause, remedy)


def _warning(cause: str, remedy: str) -> Code:
    return Code("warning", cause, remedy)


CODES: Mapping[str, Code] = {
    # --- what is no scan ---
    "result_object": _refused("a segmentation, report, plan or presentation", "give the images it was made from"),
    "secondary_capture": _refused("a screenshot or scan of paper", "give the acquired series"),
    "not_a_scan": _refused("an image that is no stack of planes: X-ray, ultrasound, photograph", "give CT, MR or PET"),
    "colour": _refused("a colour image", "give the acquired series, not a rendering of it"),
    "localizer": _refused("a localizer (scout), alone or among the slices", "export the series without it"),
    "mosaic": _refused("many slices tiled into one image", "convert with dcm2niix first, or export as enhanced DICOM"),
    # --- files ---
    "empty_file": _refused("a file of zero bytes beside the images", "copy the folder again"),
    "unreadable": _refused("a DICOM file that cannot be parsed", "copy the file again"),
    "truncated": _refused("pixel data shorter than the header says", "copy the file again"),
    "undecodable": _refused("pixel data that no installed codec decodes", "install the codec, or send it uncompressed"),
    "too_large": _refused("voxels or inflated bytes above the stated limit", "check the file; such sizes are no scan"),
    # --- who and where ---
    "patients_mixed": _refused("instances of several patients in one series or folder", "separate them"),
    "studies_mixed": _refused("one series in several studies", "export the studies again"),
    "frames_of_reference_mixed": _refused("one series in several frames of reference", "export the series again"),
    # --- geometry ---
    "position_absent": _refused("no usable ImagePositionPatient", "export with full geometry"),
    "orientation_absent": _refused("no usable ImageOrientationPatient", "export with full geometry"),
    "pixel_spacing_absent": _refused("no usable PixelSpacing", "export with full geometry"),
    "orientation_differs": _refused("planes of several orientations", "separate them"),
    "size_differs": _refused("slices of several sizes", "separate them"),
    "pixel_spacing_differs": _refused("slices of several pixel spacings", "separate them"),
    "pixel_format_differs": _refused(
        "slices of several modalities, photometric interpretations or depths", "separate them"
    ),
    "too_few_slices": _refused("a single slice", "give the whole series"),
    "slice_missing": _refused("a gap between two slices", "fetch the series again"),
    "spacing_uneven": _refused("slices at uneven distances", "reconstruct at one spacing"),
    "position_twice": _refused("two slices at one position with different pixels", "separate them"),
    "instance_twice": _refused("two files of one SOPInstanceUID with different content", "fetch the series again"),
    "several_volumes": _refused("several volumes at the same positions", "choose one with --select"),
    "several_stacks": _refused("several stacks in one multi-frame object", "choose one with --select"),
    "tilt": _refused("slices shifted sideways: a tilted gantry", "--resample-tilt, or a straight reconstruction"),
    # --- values ---
    "no_uids": _refused("DICOM results asked for a study without DICOM UIDs", "ask for --format nifti"),
    "rescale_absent": _refused(
        "a CT, or one slice, without usable RescaleSlope and RescaleIntercept", "export again; values are no HU"
    ),
    "values_not_finite": _refused("a rescale that gives NaN, infinity or one value for all", "export again"),
    # --- NIfTI ---
    "nifti_unreadable": _refused("a NIfTI file that is damaged or no NIfTI", "copy or convert it again"),
    "nifti_geometry": _refused("a NIfTI header that cannot place the volume", "convert it again from DICOM"),
    # --- what the model was trained on ---
    "outside_validity": _refused(
        "a scan on which the model may not be used, as its validity.json says",
        "give a scan like those of its training, or take another model",
    ),
    # --- warnings ---
    "duplicate_instance": _warning("the same instance twice, byte for byte", "nothing; one is kept"),
    "few_slices": _warning("fewer than 10 slices", "check that the series is whole"),
    "orientation_jitter": _warning("orientations differ slightly", "nothing; their mean is used"),
    "spacing_jitter": _warning("slice distances differ slightly", "nothing; their mean is used"),
    "slight_tilt": _warning("slices shifted sideways by less than half a pixel", "nothing; the shift is ignored"),
    "tilt_resampled": _warning("a tilted series was resampled onto an orthogonal grid", "read the result on that grid"),
    "slices_announced": _warning("fewer slices than the header announces", "check that the series is whole"),
    "selected": _warning("one of several volumes was chosen with --select", "check that it is the one you want"),
    "lossy": _warning("lossy compression", "prefer the original"),
    "padding": _warning("padding was replaced by background", "nothing"),
    "monochrome1": _warning("MONOCHROME1; stored values are used as they are", "check the sign of the values"),
    "uids_absent": _warning("empty UIDs", "DICOM results cannot be made from it"),
    "no_preamble": _warning("a file without the DICM preamble", "nothing"),
    "unlike_training": _warning(
        "input or result unlike what the model was made for", "prepare it as the bundle's card says; check the result"
    ),
    "not_dicom": _warning("DICOM results asked for a NIfTI study among DICOM ones", "take its label map"),
    "series_refused": _warning("a refused series would have served a channel too", "check that the right one was used"),
    "derived_class": _warning("scan stored as secondary capture with full geometry", "check where it comes from"),
}
