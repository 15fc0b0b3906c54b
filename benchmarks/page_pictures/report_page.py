"""Take the pictures of the report's web page in the guide, light and dark, in headless Chromium (extra `dev`).

python -m benchmarks.page_pictures.report_page --rows docs/rows/paper30.jsonl.gz --out docs/pictures
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

import tyro
from PIL import Image
from playwright.sync_api import sync_playwright

from lagrl.bench.page.web_page import html_report
from lagrl.bench.prices import PriceTable
from lagrl.bench.rows import read_rows
from lagrl.errors import InputError, LagrlError

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTH, HEIGHT = 1280, 1680  # pixels
COLOURS = 256  # of a picture, which is smaller then
PATIENCE = 300_000.0  # ms until the page is read, and until its last figure is drawn


def main(rows: Path, out: Path = Path("docs/pictures")) -> None:
    """Write `report_light.png` and `report_dark.png`: the first part of the page.

    Parameters
    ----------
    rows
        File of rows of the report.
    out
        Existing folder.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise InputError("not found", field="chromium", remedy="install it")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder, "report.html")
        page.write_text(html_report(read_rows(rows), prices=PriceTable(), files=[rows]), encoding="utf-8")
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for theme in THEMES:
            shown = chromium.new_page(color_scheme=theme, viewport={"width": WIDTH, "height": HEIGHT})
            shown.goto(page.as_uri(), timeout=PATIENCE)
            shown.wait_for_selector("#plot-gap-over-seconds .main-svg", timeout=PATIENCE)
            picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
            reduced = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)  # keeps the colours of thin lines
            reduced.save(out / f"report_{theme}.png", optimize=True)
        chromium.close()
    print(f"{out}: pictures of the report in the themes {', '.join(THEMES)}")


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except LagrlError as error:
        sys.exit(f"page_pictures.report_page: {error}")
