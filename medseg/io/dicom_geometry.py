"""Whether slices form one regular stack, and its affine; positions alone decide, never slice numbers or thickness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medseg.core.in_words import counted
from medseg.core.types import Affine, FloatArray, Shape
from medseg.core.verdict import Finding, Verdict
from medseg.io.dicom_series import Slice
from medseg.io.dicom_tilt import straight_grid
from medseg.io.dicom_volumes import what_differs

# Measured on 25 good series: spacing within 0.0004 mm, orientation within 1e-7, drift below 0.001 mm a slice.
ORIENTATION_LIMIT = 1e-3  # a cosine; 0.06 degrees move the corner of a 25 cm image by 0.25 mm
ORIENTATION_WARNING = 2e-4  # scanners that print cosines with four digits stay below it
UNIT_LIMIT = 1e-3  # length of a direction cosine, and cosine between row and column
SAME_POSITION_MM = 0.05  # thinner than any clinical slice; five times the jitter of printed positions
GAP_LIMITS = (0.5, 1.5)  # of the median distance; a missing slice gives 2
UNEVEN_LIMIT = 0.1  # of the spacing: how far a slice may lie from its place on the regular grid
UNEVEN_WARNING = 0.01  # of the spacing, and at least
UNEVEN_WARNING_MM = 0.05  # positions printed to 10 um move a gap, and the median gap, by up to 0.02 mm each
TILT_LIMIT_PIXELS = 0.5  # drift sideways over the whole series; a tilt of 1 degree moves 30 cm by 5 mm
BESIDE_LIMIT_PIXELS = 0.5  # how far a slice may lie beside the line through the first and the last
MOST_TILTED_DEGREES = 45.0  # gantries tilt to 30; beyond, slices of no common volume would fill memory
ORTHOGONAL_LIMIT = 1e-3  # below this cosine the step is taken as it is, above as if it were along the normal
FEW_SLICES = 10


@dataclass(frozen=True)
class Stack:
    """Slices as one grid.

    Attributes:
        slices: In order along the normal.
        shape: (I, J, K); None where they form no grid.
        affine_ras: (4, 4); None where they form no grid.
        verdict: What was seen.
        tilt_mm: Drift sideways along i and j per slice, where it is a tilt; None otherwise.
    """

    slices: tuple[Slice, ...]
    shape: Shape | None
    affine_ras: Affine | None
    verdict: Verdict
    tilt_mm: tuple[float, float] | None = None


def stack(slices: Sequence[Slice], name: str, *, allow_tilt: bool) -> Stack:
    """Order slices along their normal and check that they form one regular grid.

    Args:
        slices: At least one, each with position, orientation and pixel spacing, all of one size.
        name: How messages call the series.
        allow_tilt: Whether a tilt is no refusal.
    """
    axes, orientation = _axes(slices, name)
    if not orientation.accepted:
        return Stack(tuple(slices), None, None, orientation)
    positions = np.array([one.position_lps for one in slices])
    depth = positions @ axes[2]
    order = np.argsort(depth, kind="stable")
    ordered = tuple(slices[n] for n in order)
    repeated = _repeats(ordered, depth[order], name)
    if repeated:
        return Stack(ordered, None, None, orientation.plus([repeated]))
    if len(ordered) == 1:
        one = Finding("too_few_slices", f"{name}: a single slice is no volume (1 slice). Give the whole series.")
        return Stack(ordered, None, None, orientation.plus([one]))
    return _regular(ordered, positions[order], depth[order], axes, orientation, name, allow_tilt)


def _regular(
    slices: tuple[Slice, ...],
    positions: FloatArray,
    depth: FloatArray,
    axes: FloatArray,
    verdict: Verdict,
    name: str,
    allow_tilt: bool,
) -> Stack:
    count = len(slices)
    gaps = list(_gap_faults(slices, depth, name))
    verdict = verdict.plus(gaps, [*([] if gaps else _jitter(depth, name)), *_few(count, name)])
    rows_mm, columns_mm = slices[0].pixel_spacing_mm or (0.0, 0.0)
    step = (positions[-1] - positions[0]) / (count - 1)
    drift = (float(step @ axes[0]), float(step @ axes[1]))  # mm a slice, along i and j
    tilted = max(abs(drift[0]) / columns_mm, abs(drift[1]) / rows_mm) * (count - 1) > TILT_LIMIT_PIXELS
    verdict = verdict.plus(_beside(slices, positions, depth, axes, name))
    verdict = verdict.plus(*_tilt_findings(drift, step, axes, count, name, tilted, allow_tilt))
    if tilted or np.hypot(*drift) > ORTHOGONAL_LIMIT * float(step @ axes[2]):
        step = float(step @ axes[2]) * axes[2]
    if not verdict.accepted:
        return Stack(slices, None, None, verdict)  # a shape and a spacing would only be believed
    header = slices[0].header
    shape = (int(header.Columns), int(header.Rows), count)
    affine = _affine(axes, (columns_mm, rows_mm), step, positions[0])
    if tilted:
        return Stack(slices, *straight_grid(shape, affine, drift), verdict, drift)
    return Stack(slices, shape, affine, verdict)


def _affine(axes: FloatArray, spacing_mm: tuple[float, float], step: FloatArray, origin: FloatArray) -> Affine:
    """PS3.3 C.7.6.2.1.1, with RAS in place of LPS."""
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = axes[0] * spacing_mm[0], axes[1] * spacing_mm[1]
    affine[:3, 2], affine[:3, 3] = step, origin
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _axes(slices: Sequence[Slice], name: str) -> tuple[FloatArray, Verdict]:
    """Unit vectors along i, j and the normal (LPS), from the mean orientation."""
    cosines = np.array([one.rows_columns_lps for one in slices]).reshape(-1, 2, 3)
    lengths = np.linalg.norm(cosines, axis=2)
    skew = np.abs(np.einsum("nk,nk->n", cosines[:, 0], cosines[:, 1]))
    wrong = (np.abs(lengths - 1).max(axis=1) > UNIT_LIMIT) | (skew > UNIT_LIMIT)
    if wrong.any():
        path = slices[int(np.argmax(wrong))].path
        reason = (
            f"{name}: ImageOrientationPatient of '{path}' is not two unit vectors at right angles. Export it again."
        )
        return np.eye(3), Verdict((Finding("orientation_absent", reason),))
    centre = np.median(cosines, axis=0)
    apart = np.abs(cosines - centre).max(axis=(1, 2))
    if apart.max() > ORIENTATION_LIMIT:
        return np.eye(3), Verdict((_orientation_fault(slices, name),))
    row = _unit(cosines[:, 0].mean(axis=0))
    column = cosines[:, 1].mean(axis=0)
    column = _unit(column - (column @ row) * row)
    warnings = []
    if apart.max() > ORIENTATION_WARNING:
        warnings = [
            Finding("orientation_jitter", f"{name}: orientations differ by {apart.max():.1g}; the mean is used.")
        ]
    return np.array([row, column, np.cross(row, column)]), Verdict((), tuple(warnings))


def _orientation_fault(slices: Sequence[Slice], name: str) -> Finding:
    cosines = np.array([one.rows_columns_lps for one in slices])
    apart = min(
        (np.abs(cosines - one).max(axis=1) for one in cosines[:: max(len(cosines) // 50, 1)]),
        key=lambda distance: int((distance > ORIENTATION_LIMIT).sum()),
    )  # from the orientation that most slices have; one of fifty has it
    others = max(int((apart > ORIENTATION_LIMIT).sum()), 1)
    path = slices[int(np.argmax(apart))].path
    return Finding(
        "orientation_differs",
        f"{name}: {others} of {len(slices)} slices have another orientation, '{path.name}' by {apart.max():.2g} "
        f"(limit {ORIENTATION_LIMIT:g}). A localizer or a second stack? Separate them.",
    )


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))


def _repeats(slices: Sequence[Slice], depth: FloatArray, name: str) -> Finding | None:
    """Several slices at one position: another volume of the same place, or a contradiction."""
    groups = np.cumsum(np.concatenate([[0], np.diff(depth) > SAME_POSITION_MM]))
    counts = np.bincount(groups)
    if counts.max() == 1:
        return None
    volumes = what_differs(
        [[slices[n] for n in np.flatnonzero(groups == g).tolist()] for g in range(len(counts))], name
    )
    if volumes:
        return volumes
    first, second = (slices[n] for n in np.flatnonzero(groups == int(np.argmax(counts > 1)))[:2].tolist())
    return Finding(
        "position_twice",
        f"{name}: {int(counts.max())} slices at the same position ('{first.path.name}' and '{second.path.name}'), "
        f"{len(slices)} slices at {len(counts)} positions; no attribute says which is right. Separate them.",
    )


def _gap_faults(slices: Sequence[Slice], depth: FloatArray, name: str) -> Iterator[Finding]:
    gaps = np.diff(depth)
    usual = float(np.median(gaps))
    wide = np.flatnonzero(gaps > GAP_LIMITS[1] * usual)
    place = depth - np.linspace(depth[0], depth[-1], len(depth))
    if 0 < len(wide) <= max(len(gaps) // 4, 1) and gaps.min() > GAP_LIMITS[0] * usual:
        yield from (_gap(slices, int(n), float(gaps[n]), usual, name) for n in wide[:3])
    elif len(wide) or gaps.min() < GAP_LIMITS[0] * usual or np.abs(place).max() > UNEVEN_LIMIT * usual:
        yield Finding(
            "spacing_uneven",
            f"{name}: slice spacing is not uniform: gaps from {gaps.min():.4g} to {gaps.max():.4g} mm, "
            f"usually {usual:.4g} mm. Reconstruct the series at one spacing.",
        )


def _gap(slices: Sequence[Slice], n: int, gap_mm: float, usual_mm: float, name: str) -> Finding:
    missing = max(round(gap_mm / usual_mm) - 1, 1)
    return Finding(
        "slice_missing",
        f"{name}: gap of {gap_mm:.4g} mm between slices {n + 1} and {n + 2} ('{slices[n].path.name}' and "
        f"'{slices[n + 1].path.name}'), spacing {usual_mm:.4g} mm: {counted(missing, 'slice')} missing. "
        "Fetch the series again.",
    )


def _jitter(depth: FloatArray, name: str) -> Iterator[Finding]:
    gaps = np.diff(depth)
    usual = float(np.median(gaps))
    worst = float(np.abs(gaps - usual).max())
    if worst > max(UNEVEN_WARNING * usual, UNEVEN_WARNING_MM):
        yield Finding("spacing_jitter", f"{name}: slice distances differ by up to {worst:.2g} mm from {usual:.4g} mm.")


def _few(count: int, name: str) -> Iterator[Finding]:
    if count < FEW_SLICES:
        yield Finding("few_slices", f"{name}: few slices: {count} slices. Check that the series is whole.")


def _beside(
    slices: Sequence[Slice], positions: FloatArray, depth: FloatArray, axes: FloatArray, name: str
) -> Iterator[Finding]:
    """A slice that was moved within its plane: a shift between parts of the series, or a wrong position."""
    share = (depth - depth[0]) / (depth[-1] - depth[0])
    line = positions[0] + np.outer(share, positions[-1] - positions[0])
    beside = np.abs((positions - line) @ axes[:2].T)
    rows_mm, columns_mm = slices[0].pixel_spacing_mm or (0.0, 0.0)
    worst = int(np.argmax((beside / (columns_mm, rows_mm)).max(axis=1)))
    if (beside[worst] / (columns_mm, rows_mm)).max() > BESIDE_LIMIT_PIXELS:
        yield Finding(
            "tilt",
            f"{name}: '{slices[worst].path.name}' lies {np.hypot(*beside[worst]):.3g} mm sideways of the line through "
            f"the first and the last slice (limit {BESIDE_LIMIT_PIXELS:g} pixel). Separate the parts.",
        )


def _tilt_findings(
    drift: tuple[float, float], step: FloatArray, axes: FloatArray, count: int, name: str, tilted: bool, allowed: bool
) -> tuple[list[Finding], list[Finding]]:
    sideways = float(np.hypot(*drift))
    along = float(step @ axes[2])
    angle = float(np.degrees(np.arctan2(sideways, along)))
    if tilted and angle > MOST_TILTED_DEGREES:
        reason = (
            f"{name}: slices drift sideways by {sideways:.3g} mm at steps of {along:.3g} mm: {angle:.3g} degrees are "
            "no gantry tilt. Export it again."
        )
        return [Finding("tilt", reason)], []
    if tilted and not allowed:
        reason = (
            f"{name}: slices drift sideways by {sideways * (count - 1):.3g} mm over the series: gantry tilt of "
            f"{angle:.3g} degrees. Use --resample-tilt, or a straight reconstruction."
        )
        return [Finding("tilt", reason)], []
    if tilted:
        reason = f"{name}: gantry tilt of {angle:.3g} degrees was resampled onto an orthogonal grid."
        return [], [Finding("tilt_resampled", reason)]
    if sideways > ORTHOGONAL_LIMIT * along:
        reason = f"{name}: slices drift sideways by {sideways * (count - 1):.2g} mm in all; this is ignored."
        return [], [Finding("slight_tilt", reason)]
    return [], []
