"""A report as one HTML page that needs nothing else: no network, no script, no second file."""

from __future__ import annotations

from collections.abc import Iterable

from medseg.core.geometry import axis_codes, spacing_of
from medseg.core.verdict import Finding
from medseg.runs.page_parts import code, facts_list, page, section, swatch, table, text, thousands
from medseg.runs.report_facts import Measurement, ReportBundle, StudyReport
from medseg.runs.report_pictures import Columns, Gallery, LabelRow, Picture

OBLIQUE_DEGREES = 0.5  # planes turned by less look straight
_LETTERS = (("R", "right"), ("L", "left"), ("A", "front"), ("P", "back"), ("S", "head"), ("I", "feet"))


def page_of(report: StudyReport, gallery: Gallery) -> str:
    """The whole page.

    Args:
        report: What it tells.
        gallery: Its pictures.

    Returns:
        HTML; every text of the report is escaped.
    """
    title = f"Segmentation report: {report.study}"
    body = [
        f"<header><h1>Segmentation report</h1><p class=lead>Study {code(report.study)}, segmented by "
        f"{code(report.bundle.name)} {text(report.bundle.version)}</p></header>",
        "<main>",
        f'<section class="box research"><p><strong>{text(report.bundle.research_use)}</strong></p></section>',
        _empty_box(report),
        _warning_box(report),
        section("Measurements", _measurements(gallery)),
        section("Pictures", _pictures(report, gallery)),
        section("Input", _channels(report)),
        section("Grid of the result", _grid(report)),
        section("Model and run", _model(report)),
        "</main>",
    ]
    return page(title, body)


def _empty_box(report: StudyReport) -> str:
    if report.scan.labels.any():
        return ""
    return (
        '<section class="box empty"><h2>The label map is empty</h2><p>No voxel was given a label. Either there is '
        "nothing to find, or the model failed on this study: look at the pictures of its input.</p></section>"
    )


def _warning_box(report: StudyReport) -> str:
    lines = [_finding(finding, "") for finding in report.warnings]
    for channel in report.channels:
        lines += [_finding(finding, f"channel {channel.name}: ") for finding in channel.warnings]
    lines = list(dict.fromkeys(lines))
    if not lines:
        return (
            '<section class="box calm"><p><strong>No warning was raised.</strong> The input passed its checks. That '
            "does not mean that the result is right: compare the outlines with the anatomy.</p></section>"
        )
    title = "1 warning" if len(lines) == 1 else f"{len(lines)} warnings"
    return f'<section class="box warning"><h2>{title}</h2><ul>{"".join(lines)}</ul></section>'


def _finding(finding: Finding, where: str) -> str:
    return f"<li>{code(finding.code)} {text(where)}{text(finding.sentence)}</li>"


def _measurements(gallery: Gallery) -> str:
    rows = [
        (
            f"{swatch(row.colour)}{_link(row, number)}",
            "region" if row.measurement.is_region else "label",
            text(", ".join(str(value) for value in row.measurement.values)),
            volume(row.measurement) if row.measurement.voxels else "not found",
            thousands(row.measurement.voxels),
        )
        for number, row in enumerate(gallery.rows)
    ]
    heads = ("Name", "Kind", "Values", "Volume, ml", "Voxels")
    return table("Volume of each label and region", heads, rows, numbers=(3, 4))


def _link(row: LabelRow, number: int) -> str:
    name = text(row.measurement.name)
    return f'<a href="#label-{number}">{name}</a>' if row.columns else name


def _pictures(report: StudyReport, gallery: Gallery) -> str:
    letters = ", ".join(f"{letter} {name}" for letter, name in _LETTERS)
    oblique = report.scan.oblique_degrees
    notes = [
        f"Channel {code(report.scan.channel)}; black to white is {text(gallery.greys.words)}.",
        f"The patient's right is on the left of axial and coronal pictures, as if seen from the feet and from the "
        f"front. Letters name the direction at each edge: {letters}. Slices are numbered as in the NIfTI file, from 0.",
    ]
    if oblique >= OBLIQUE_DEGREES:
        notes.append(
            f"<strong>The acquisition is oblique by {oblique:.1f} degrees.</strong> Pictures show the planes of the "
            "voxel grid, not the patient's; letters name the nearest direction."
        )
    if gallery.left_out:
        notes.append(f"Too few slices to draw: {text(', '.join(gallery.left_out).lower())}.")
    if gallery.small:
        notes.append("First all labels together, then each in the three planes that cut most of it, cut out around it.")
    elif not gallery.overview:
        notes.append("Each row shows the three planes that cut most of its label.")
    shown = "".join(f"<p>{note}</p>" for note in notes)
    if gallery.overview:
        name = "All labels" if gallery.small else "The input, without any label"
        shown += f"<div class=full><div class=row><h3>{name}</h3>{_planes(gallery.overview)}</div></div>"
    rows = "".join(_row(row, number) for number, row in enumerate(gallery.rows))
    return f"{shown}<div class={'small' if gallery.small else 'full'}>{rows}</div>"


def _row(row: LabelRow, number: int) -> str:
    one = row.measurement
    if row.same_as is not None:
        note = f"the same voxels as {text(row.same_as)}"
    elif not one.voxels:
        note = "not found"
    else:
        note = f"{volume(one)} ml"
    title = f"<h3>{swatch(row.colour)}{text(one.name)} <span class=note>{note}</span></h3>"
    return f'<div class=row id="label-{number}">{title}{_planes(row.columns)}</div>'


def _planes(columns: Columns) -> str:
    if not columns:
        return ""
    widths = [max(picture.width for picture in column) for column in columns]
    shown = "".join(
        f'<div style="flex:{width:.1f} 1 0">{"".join(_figure(picture) for picture in column)}</div>'
        for width, column in zip(widths, columns, strict=True)
    )
    return f'<div class=planes style="max-width:{sum(widths) + 4 * (len(widths) - 1):.0f}px">{shown}</div>'


def _figure(picture: Picture) -> str:
    caption = f"<figcaption>{text(picture.caption)}</figcaption>"
    return f'<figure style="max-width:{picture.width:.0f}px">{picture.svg}{caption}</figure>'


def _channels(report: StudyReport) -> str:
    rows = [
        (
            code(one.name),
            text(one.recognised),
            "–" if one.series_number is None else text(one.series_number),
            text(one.description) or "–",
            times(one.shape),
            times(one.spacing_mm),
            "yes" if one.resampled else "no",
            code(one.verdict) + "".join(f"<br>{code(finding.code)}" for finding in one.warnings),
        )
        for one in report.channels
    ]
    heads = ("Channel", "Recognised by", "Series", "Description", "Voxels", "Spacing, mm", "Resampled", "Verdict")
    return table("Where each channel comes from", heads, rows)


def _grid(report: StudyReport) -> str:
    scan = report.scan
    oblique = scan.oblique_degrees
    turned = f"oblique by {oblique:.1f} degrees" if oblique >= OBLIQUE_DEGREES else "along the patient's axes"
    return facts_list(
        {
            "Voxels": times(scan.labels.shape),
            "Spacing": f"{times(spacing_of(scan.affine_ras))} mm",
            "Orientation": f"{code(axis_codes(scan.affine_ras))}, {turned}",
        }
    )


def _model(report: StudyReport) -> str:
    bundle, run = report.bundle, report.run
    return facts_list(
        {
            "Bundle": f"{code(bundle.name)} {text(bundle.version)}",
            "Digest": code(bundle.digest),
            **{text(name).capitalize(): text(value) for name, value in bundle.parts},
            "Intended use": text(bundle.intended_use),
            "Measured quality": text(bundle.evaluation) or _unmeasured(bundle),
            "Made with": f"medseg {text(run.medseg_version)} on {text(run.device)}, {text(run.precision)}",
            "Time": f"{run.seconds:.1f} s",
            "Files": "<br>".join(code(name) for name in run.outputs) or "–",
        }
    )


def _unmeasured(bundle: ReportBundle) -> str:
    return "None is stated for this combination." if bundle.parts else "The bundle states none."


def volume(one: Measurement) -> str:
    """Millilitres with three significant digits or more."""
    decimals = 1 if one.volume_ml >= 10 else 2 if one.volume_ml >= 1 else 3
    return f"{one.volume_ml:.{decimals}f}"


def times(sizes: Iterable[float]) -> str:
    """Sizes along i, j, k."""
    return " × ".join(f"{size:.4g}" if isinstance(size, float) else str(size) for size in sizes)
