"""What a real browser makes of a page: Chromium, without a window."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

# The page itself forbids scripts, so another page that holds it in a frame looks at it.
_FRAME = """<!doctype html><iframe id=f style="border:0;width:{width}px;height:9000px" src="{page}"></iframe><script>
f.onload = () => {{
  const page = f.contentDocument, root = page.scrollingElement;
  page.querySelectorAll("details").forEach(one => one.open = true);
  const images = [...page.images];
  document.body.textContent = JSON.stringify({{
    width: root.scrollWidth, images: images.length,
    loaded: images.filter(one => one.complete && one.naturalWidth > 0).length,
    beyond: [...page.querySelectorAll("body *")].filter(one => !one.closest(".wide")
      && one.getBoundingClientRect().right > {width} + 1).map(one => one.tagName),
  }});
}};
</script>"""


@dataclass(frozen=True)
class Seen:
    """A page as the browser shows it.

    Attributes:
        width: Of the page in pixels; more than the window's means that it scrolls sideways.
        images: How many there are.
        loaded: How many of them came to be seen.
        beyond: Elements outside a box that scrolls which reach beyond the window.
        console: Lines that the browser complains in.
    """

    width: int
    images: int
    loaded: int
    beyond: list[str]
    console: list[str]


def seen(page: Path, width: int, folder: Path) -> Seen:
    """Open a page in a window of a width, everything unfolded; skips the test where there is no browser.

    Args:
        page: An HTML file.
        width: In pixels.
        folder: For the browser's own files.
    """
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not on PATH: apt-get install chromium")
    frame = folder / "frame.html"
    frame.write_text(_FRAME.format(width=width, page=page.as_uri()))
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={folder / 'browser'}", "--enable-logging=stderr", "--window-size=1300,1000"]
    done = subprocess.run(
        [*command, "--dump-dom", frame.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r"<body>({.*})</body>", done.stdout)
    assert found is not None, done.stdout[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(**json.loads(found[1]), console=console)
