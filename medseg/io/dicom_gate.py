"""The gate before pixels: files of one SeriesInstanceUID to a series with its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import UID

from medseg.core.verdict import Finding, Verdict, one_line
from medseg.io.dicom_files import Header
from medseg.io.dicom_geometry import stack
from medseg.io.dicom_kind import is_derived_class, is_image, kind_fault
from medseg.io.dicom_sameness import grid_faults, identity_faults, missing_faults, once
from medseg.io.dicom_series import Series, Slice
from medseg.io.dicom_slices import slices_of
from medseg.io.dicom_volumes import mixed_contrast, select_slices

# As float32. The largest clinical scans (photon-counting CT, 1024 x 1024 x 1000) fill it; a header of a few bytes can
# claim a thousand times more.
MAX_VOLUME_BYTES = 4 * 2**30
# PS3.5 A.4: syntaxes that always lose information. What was lost before says LossyImageCompression.
_LOSSY = {
    "1.2.840.10008.1.2.4.50": "JPEG Baseline",
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
}


def judge(headers: Sequence[Header], *, select: Mapping[str, str], resample_tilt: bool) -> Series:
    """Series with the verdict of its headers.

    Args:
        headers: At least one, all of one SeriesInstanceUID.
        select: Keyword to value: which slices to keep where attributes vary.
        resample_tilt: Whether a tilt is no refusal.
    """
    series = _unjudged(headers)
    try:
        return _judged(series, headers, select, resample_tilt)
    except Exception as error:  # pydicom converts a value when it is asked for, and raises almost anything
        reason = f"{series.name}: a value in its headers cannot be read ({type(error).__name__}). Export it again."
        return replace(series, verdict=Verdict((Finding("unreadable", reason),)))


def _judged(series: Series, headers: Sequence[Header], select: Mapping[str, str], resample_tilt: bool) -> Series:
    faults = _kind_faults(headers, series.name)
    if faults:
        return replace(series, verdict=Verdict(tuple(faults)))
    kept, refusals, warnings = once(headers, series.name)
    refusals += identity_faults(kept, series.name)
    slices = [one for header in kept for one in slices_of(header)]
    chosen = select_slices(slices, select)
    if not chosen:
        wanted = ", ".join(f"{key}={value}" for key, value in select.items())
        refusals.append(
            Finding("several_volumes", f"{series.name}: no slice has {wanted}. Choose a value that occurs.")
        )
        return replace(series, verdict=Verdict(tuple(refusals)))
    if len(chosen) < len(slices):
        warnings.append(
            Finding("selected", f"{series.name}: {len(chosen)} of {len(slices)} slices chosen by --select.")
        )
    series = replace(series, slices=tuple(chosen), verdict=Verdict(tuple(refusals), tuple(warnings)))
    return _placed(series, resample_tilt)


def _placed(series: Series, resample_tilt: bool) -> Series:
    slices, name = series.slices, series.name
    faults = [*missing_faults(slices, name), *grid_faults(slices, name), *_value_faults(series), *_bits_fault(series)]
    verdict = series.verdict.plus(faults, _value_warnings(series))
    size = _size_fault(series)
    if faults or size:
        return replace(series, verdict=verdict.plus([size] if size else []))
    found = stack(slices, name, allow_tilt=resample_tilt)
    mixed = mixed_contrast(slices, name) if found.verdict.accepted else None
    verdict = verdict.plus(found.verdict.refusals, [*found.verdict.warnings, *_announced(series)])
    verdict = verdict.plus([mixed] if mixed else [])
    return replace(
        series,
        slices=found.slices,
        shape=found.shape,
        affine_ras=found.affine_ras,
        verdict=verdict,
        tilt_mm=found.tilt_mm,
    )


def _unjudged(headers: Sequence[Header]) -> Series:
    first = headers[0].dataset
    return Series(
        study_uid=str(first.get("StudyInstanceUID", "") or ""),
        uid=str(first.get("SeriesInstanceUID", "") or ""),
        number=_whole(first.get("SeriesNumber")),
        description=one_line(str(first.get("SeriesDescription", "") or "")),
        modality=one_line(str(first.get("Modality", "") or "")),
        slices=tuple(_bare_slice(one) for one in headers),
        shape=None,
        affine_ras=None,
        verdict=Verdict(),
        is_image=any(is_image(one.dataset) for one in headers),
    )


def _kind_faults(headers: Sequence[Header], name: str) -> list[Finding]:
    """Why the series is no scan, or which of its files is none; each code once, with the number of its files."""
    faults: dict[str, list[Header]] = {}
    sentences: dict[str, str] = {}
    for one in headers:
        fault = kind_fault(one.dataset, name)
        if fault:
            faults.setdefault(fault.code, []).append(one)
            sentences.setdefault(fault.code, fault.sentence)
    return [Finding(code, sentences[code] + _share(files, headers)) for code, files in faults.items()]


def _share(files: Sequence[Header], headers: Sequence[Header]) -> str:
    if len(files) == len(headers):
        return ""
    return f" ({len(files)} of {len(headers)} files, first '{files[0].path.name}')"


def _value_faults(series: Series) -> Iterator[Finding]:
    without = [one for one in series.slices if one.slope is None or one.intercept is None]
    if series.modality == "CT" and without:
        yield Finding(
            "rescale_absent",
            f"{series.name}: RescaleSlope or RescaleIntercept missing on a CT, in {len(without)} of "
            f"{len(series.slices)} slices, first in '{without[0].path.name}'. Export it again.",
        )
    elif odd := _odd_rescale(series.slices):
        yield Finding(
            "rescale_absent",
            f"{series.name}: RescaleSlope or RescaleIntercept is missing or no number in '{odd.path.name}', "
            "while others have it. Export it again.",
        )
    elif series.slices and all(one.slope == 0 for one in series.slices):
        yield Finding("values_not_finite", f"{series.name}: RescaleSlope 0 makes all values one. Export it again.")
    elif any("ModalityLUTSequence" in one.header for one in series.slices):
        yield Finding(
            "rescale_absent", f"{series.name}: values need a modality LUT, which is not read. Export it again."
        )


def _odd_rescale(slices: Sequence[Slice]) -> Slice | None:
    """A slice without the slope or intercept that others have, or with text in its place."""
    for found, keyword in (("slope", "RescaleSlope"), ("intercept", "RescaleIntercept")):
        without = [one for one in slices if getattr(one, found) is None]
        if without and len(without) < len(slices):
            return without[0]
        text = next((one for one in without if one.header.get(keyword) not in (None, "")), None)
        if text:
            return text
    return None


def _bits_fault(series: Series) -> Iterator[Finding]:
    for one in series.slices:
        stored, high = one.header.get("BitsStored"), one.header.get("HighBit")
        if stored is not None and high is not None and int(high) != int(stored) - 1:
            reason = f"HighBit {high} with BitsStored {stored}: values do not begin at bit 0"
            yield Finding("undecodable", f"{series.name}: '{one.path.name}': {reason}. Export it again.")
            return


def _size_fault(series: Series) -> Finding | None:
    rows, columns = (max(int(one.header.get(key) or 0) for one in series.slices) for key in ("Rows", "Columns"))
    needed = 4 * rows * columns * len(series.slices)
    if needed <= MAX_VOLUME_BYTES and min(rows, columns) > 0:
        return None
    limit = f"limit {MAX_VOLUME_BYTES / 2**30:.0f} GiB"
    what = f"{columns} x {rows} x {len(series.slices)} voxels would take {needed / 2**30:.3g} GiB, {limit}"
    return Finding("too_large", f"{series.name}: {what}. Check Rows and Columns; no scan has such a size.")


def _value_warnings(series: Series) -> Iterator[Finding]:
    header, name = series.header, series.name
    if any(one.header.get("PhotometricInterpretation") == "MONOCHROME1" for one in series.slices):
        yield Finding("monochrome1", f"{name}: MONOCHROME1; stored values are used, not inverted.")
    lossy = next((_lossy(one.header) for one in series.slices if _lossy(one.header)), None)
    if lossy:
        yield Finding("lossy", f"{name}: lossy compression ({lossy}); small structures may be changed.")
    absent = [
        key for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID") if not header.get(key)
    ]
    if absent:
        listed = ", ".join(absent)
        yield Finding("uids_absent", f"{name}: empty {listed}; DICOM results cannot be made from this series.")
    if any(not getattr(one.header, "preamble", None) for one in series.slices):
        yield Finding("no_preamble", f"{name}: a file has no DICM preamble; it was read all the same.")
    if is_derived_class(header):
        yield Finding("derived_class", f"{name}: stored as secondary capture; check where it comes from.")


def _announced(series: Series) -> Iterator[Finding]:
    announced = _whole(series.header.get("ImagesInAcquisition"))
    acquisitions = {str(one.header.get("AcquisitionNumber", "")) for one in series.slices}
    if announced and len(acquisitions) == 1 and len(series.slices) < announced:
        reason = f"{series.name}: {len(series.slices)} slices, ImagesInAcquisition announces {announced}."
        yield Finding("slices_announced", reason)


def _lossy(header: Dataset) -> str | None:
    syntax = str(getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID", ""))
    if syntax in _LOSSY:
        return _LOSSY[syntax]
    if str(header.get("LossyImageCompression", "")) == "01":
        ratio = header.get("LossyImageCompressionRatio")
        return f"{UID(syntax).name}, ratio {ratio}" if ratio else UID(syntax).name
    return None


def _bare_slice(header: Header) -> Slice:
    return Slice(header.path, None, header.dataset, None, None, None, None, None)


def _whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
