"""The gallery of an evaluation: three planes of a study through its largest error, as HTML and as a picture."""

from __future__ import annotations

from medseg.runs.colours import Rgb, hexadecimal
from medseg.runs.evaluation_facts import StudyMaps, StudyPicture
from medseg.runs.evaluation_panels import DIFFERENCES, Panel, StudyPanels, panels_of
from medseg.runs.page_parts import plain, text
from medseg.runs.pictures_study import paint_study
from medseg.runs.planes import Sheet
from medseg.runs.report_svg import Frame, draw_svg

PANEL_WIDTH, PANEL_HEIGHT, LETTER = 270.0, 320.0, 14.0  # pixels of a screen; four panels fill a page
LIMIT = 256  # rows or columns of a grey picture: about one for a pixel of the screen
NO_PREDICTION = "no usable prediction"

GALLERY_STYLE = """
.g-study{margin:.4rem 0 1rem}
.g-row{margin:.5rem 0;break-inside:avoid}
.g-caption,.g-key{font-size:.85rem;margin:.2rem 0;max-width:none}
.g-panels{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:.3rem;align-items:start}
.g-panel{margin:0;min-width:0}
.g-panel figcaption{font-size:.82rem;color:#3d3d3d;line-height:1.3}
.g-panel svg{display:block;width:100%;height:auto;background:#000;border-radius:3px}
.g-panel svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.g-none{background:#000;color:#f5f5f5;border-radius:3px;padding:2.5rem .5rem;text-align:center;font-size:.9rem}
.g-key span{display:inline-block;margin-right:1em}
.g-key .g-swatch{width:1em;height:1em;border:1px solid #1a1a1a;border-radius:2px;margin-right:.4em;
vertical-align:-.12em}
@media(max-width:640px){
.g-panels{grid-template-columns:repeat(2,minmax(0,1fr))}
}
@media print{
.g-panels{grid-template-columns:repeat(4,minmax(0,1fr))}
.g-panel svg,.g-none,.g-swatch{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""


def difference_legend() -> str:
    """What the colours of all columns "Difference" stand for: a line of HTML for the top of a gallery."""
    kinds = "".join(
        f"<span>{_swatch(kind.colour)}<b>{text(kind.name)}</b>: {text(kind.words)}</span>"
        for kind in DIFFERENCES.values()
    )
    return f'<p class="g-key">Difference: {kinds}<span>thin grey line: the reference</span></p>'


def draw_study(maps: StudyMaps, site: tuple[int, int, int], *, title: str) -> StudyPicture:
    """Draw three planes of a study, with a column each for image, reference, prediction and difference.

    The patient's right is on the left of axial and coronal planes, the front on the left of sagittal ones; millimetres
    are as long in every direction of a plane. Planes that would show a slab from its edge are left out. Without an
    image the labels stand on black; without a prediction its column says so and there is no difference.

    Args:
        maps: The study.
        site: Voxel (i, j, k) that all planes go through: see ``medseg.metrics.error_site``.
        title: Of the picture, and in the words for those who cannot see it.

    Returns:
        The HTML needs ``GALLERY_STYLE``, and ``difference_legend`` once on the page.

    Raises:
        GeometryError: Image, reference and prediction differ in shape.
    """
    study = panels_of(maps, site)
    return StudyPicture(_fragment(study, title), paint_study(study, title=title, without=NO_PREDICTION))


def _fragment(study: StudyPanels, title: str) -> str:
    rows = "".join(_row(study, sheet, title) for sheet in study.sheets)
    labels = "".join(f"<span>{_swatch(colour)}{text(name)}</span>" for name, colour in study.key)
    return f'<div class="g-study"><p class="g-key">{labels or "no label in either map"}</p>{rows}</div>'


def _swatch(colour: Rgb) -> str:
    return f'<span class="g-swatch" style="background:{hexadecimal(colour)}"></span>'


def _row(study: StudyPanels, sheet: Sheet, title: str) -> str:
    frame = _frame(sheet)
    panels = "".join(_panel(study, panel, frame, title) for panel in study.panels)
    caption = f'<p class="g-caption">{text(study.caption(sheet))}</p>'
    return f'<div class="g-row">{caption}<div class="g-panels">{panels}</div></div>'


def _panel(study: StudyPanels, panel: Panel, frame: Frame, title: str) -> str:
    if panel.labels is None:
        inside = f'<div class="g-none">{text(NO_PREDICTION)}</div>'
    else:
        letters = frame.sheet.plane.letters
        edge = f"; left edge is {letters[0]}" if letters else ""
        inside = draw_svg(
            frame,
            study.scan,
            panel.labels,
            panel.layers,
            study.greys,
            bar_mm=frame.longest_bar_mm,
            limit=LIMIT,
            alt=f"{plain(title)}, {study.caption(frame.sheet)}: {panel.name.lower()}{edge}",
        )
    width = f"max-width:{frame.outer[0]:.0f}px"
    return f'<figure class="g-panel" style="{width}"><figcaption>{text(panel.name)}</figcaption>{inside}</figure>'


def _frame(sheet: Sheet) -> Frame:
    """As large as a panel allows."""
    border = Frame(sheet, 0.0, LETTER).outer
    width_mm, height_mm = sheet.size_mm
    scale = min((PANEL_WIDTH - border[0]) / width_mm, (PANEL_HEIGHT - border[1]) / height_mm)
    return Frame(sheet, scale, LETTER)
