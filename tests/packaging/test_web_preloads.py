"""A page that names its modules beforehand names all that it needs at once, and no other."""

from __future__ import annotations

import posixpath
import re

import pytest

from tests.support.paths import ROOT

WEB = ROOT / "web"
PRELOADED = re.compile(r'<link rel="modulepreload" href="/web/VERSION/([^"]+)">')
ENTRY = re.compile(r'<script type="module" src="/web/VERSION/([^"]+)"></script>')
STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^"\'();]*?from\s+"([^"]+)"', re.MULTILINE)
PAGES = sorted(
    path.parent.name
    for path in WEB.glob("*/index.html")
    if PRELOADED.search(path.read_text("utf-8"))
)


def needed(module: str, found: set[str]) -> set[str]:
    """Return a module and all that it imports before it runs."""
    if module not in found:
        found.add(module)
        for name in STATIC_IMPORT.findall((WEB / module).read_text("utf-8")):
            needed(posixpath.normpath(posixpath.join(posixpath.dirname(module), name)), found)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_preloads_what_its_script_imports(page: str) -> None:
    html = (WEB / page / "index.html").read_text("utf-8")
    [entry] = ENTRY.findall(html)
    preloaded = PRELOADED.findall(html)
    assert sorted(preloaded) == sorted(needed(entry, set()))


def test_the_event_page_is_one_of_them() -> None:
    assert "event" in PAGES
