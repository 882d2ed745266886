"""What axe-core finds on a page that keeps people out."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What WCAG 2.2 asks for at AA, and what axe-core's authors recommend besides.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html} ${node.failureSummary}`));
}"""


def findings(page: Page) -> list[str]:
    """Return each finding: the rule, what it asks for, and the element."""
    page.evaluate(_axe())
    found: list[str] = page.evaluate(RUN, TAGS)
    return found


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
