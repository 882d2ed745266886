"""Runs the playground's JavaScript in Chromium: one page, whose text is what it has computed."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.playground.page import PROTOCOL, inlined

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS_MAX = 110
# Of the page's own clock: enough to replay a run.
VIRTUAL_MS = 120_000
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
PLACE = '<pre id="result"></pre>'
RESULT = re.compile(r'<pre id="result">(.*?)</pre>', re.DOTALL)


def chromium() -> str:
    """Return the path of a Chromium; the environment's CHROMIUM first."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, f"install one of {', '.join(NAMES)}, or set CHROMIUM to the path of one"
    return found


def evaluate(script: str, change: Callable[[str], str] = lambda source: source) -> Any:
    """Return the value of `result` after the script, which may use the protocol's modules.

    change: what is done to the modules before they are run.
    """
    return result_of(f'<!doctype html><meta charset="utf-8">{ended(script, change)}')


def ended(script: str, change: Callable[[str], str] = lambda source: source) -> str:
    """Return the end of a page: the script, and what shows its `result`."""
    show = 'document.querySelector("#result").textContent = JSON.stringify(result);'
    modules = change(inlined(PROTOCOL))
    return f"{PLACE}<script>(() => {{ {modules}\nlet result;\n{script}\n{show} }})();</script>"


def result_of(page: str, address: str = "") -> Any:
    """Return the `result` of a page that is opened with this hash, its timers run at once."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "check.html")
        file.write_text(page, encoding="utf-8")
        command = [
            chromium(), *FLAGS, f"--user-data-dir={folder}/profile",
            f"--virtual-time-budget={VIRTUAL_MS}", "--dump-dom", file.as_uri() + address,
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_MAX, check=True
        )
    found = RESULT.search(done.stdout)
    assert found, f"the page has no result: {done.stdout[-500:]} {done.stderr[-500:]}"
    assert found[1], f"the script failed: {done.stderr[-1000:]}"
    return json.loads(html.unescape(found[1]))
