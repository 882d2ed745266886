"""Takes the course's pictures of the report of `make lab`: `python -m tests.lab.pictures`.

Run it after a run of all nine stages on a machine that does nothing else.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import sync_playwright

from tests.lab.playground.browser import chromium
from tests.support.paths import ROOT

REPORT = ROOT / "out" / "lab" / "index.html"
FOLDER = ROOT / "docs" / "lab"
WIDTH_PX, HEIGHT_PX = 1152, 900
MARGIN_PX = 20


def main() -> None:
    """Write all pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
        page.goto(f"{REPORT.as_uri()}#en")
        page.locator("#stage-5-retried").screenshot(path=FOLDER / "timeline.png")
        box = page.locator("#promises").bounding_box()
        assert box
        top, height = box["y"] + page.evaluate("scrollY") - MARGIN_PX, box["height"] + 2 * MARGIN_PX
        clip: Any = {"x": 0, "y": top, "width": WIDTH_PX, "height": height}
        page.screenshot(path=FOLDER / "promises.png", clip=clip, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
