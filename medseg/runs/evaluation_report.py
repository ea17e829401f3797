"""report.html and figures/ of an evaluation: what a reviewer opens first."""

from __future__ import annotations

import re
from pathlib import Path

from medseg.core.errors import OutputError
from medseg.core.files import replacing, write_text
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_figures import draw_figures
from medseg.runs.evaluation_files import REPORT
from medseg.runs.evaluation_page import page_of
from medseg.runs.greys import png_chunk
from medseg.runs.pictures_charts import png_of_pixels

_HEADER_BYTES = 8 + 25  # signature and IHDR
FIGURES, GALLERY = "figures", "gallery"
# What a picture of ours is called; whatever else lies in figures/ is the user's.
_OURS = re.compile(r"(dice|surface-dice|hd95|volume-agreement|dice-against-volume|gallery)(-\d+)?")


def write_evaluation_report(folder: Path, facts: EvaluationFacts) -> list[Path]:
    """Write the report, each file whole or not at all; equal facts give equal bytes.

    Args:
        folder: Of the evaluation.
        facts: What it tells. Of identities the page shows what they hold and no more: study ids, and whatever a
            failure or a sentence names.

    Returns:
        report.html, then the PNG files in figures/. More labels than a figure holds go on in dice-2.png and so on.

    Raises:
        OutputError: A file cannot be written.
    """
    figures = draw_figures(facts.evaluation)
    pngs = {name: png for figure in figures for name, png in figure.pngs.items()}
    pngs |= {f"{GALLERY}-{n}": png_of_pixels(one.picture.png) for n, one in enumerate(facts.gallery, start=1)}
    paths = [folder / FIGURES / f"{name}.png" for name in pngs]
    for path, png in zip(paths, pngs.values(), strict=True):
        with replacing(path) as temporary:
            temporary.write_bytes(_with_text(png, "policy_digest", facts.evaluation.policy.digest))
    write_text(folder / REPORT, page_of(facts, figures))
    return [folder / REPORT, *paths]


def _with_text(png: bytes, key: str, value: str) -> bytes:
    """A PNG that also holds a word and its text, right behind its header (PNG specification, tEXt)."""
    words = png_chunk(b"tEXt", key.encode("latin-1") + b"\0" + value.encode("latin-1"))
    return png[:_HEADER_BYTES] + words + png[_HEADER_BYTES:]


def remove_report(folder: Path) -> None:
    """Remove the report of an earlier evaluation and its pictures, and nothing else.

    Raises:
        OutputError: A file cannot be removed.
    """
    pictures = [path for path in (folder / FIGURES).glob("*.png") if _OURS.fullmatch(path.stem)]
    for path in (folder / REPORT, *pictures):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot replace '{path}': {error.strerror or error}.") from error
