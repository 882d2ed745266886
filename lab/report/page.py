"""The page as a whole."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from lab.playground.page import PAGE as PLAYGROUND
from lab.playground.page import write_page as write_playground
from lab.report import plots
from lab.report.markup import both, link
from lab.report.matrix import anchor, matrix, name_of
from lab.report.records import load
from lab.report.stage import section
from lab.report.words import word

if TYPE_CHECKING:
    from lab.report.records import Record

ASSETS = Path(__file__).parent / "assets"


def write(folder: Path) -> Path:
    """Write `index.html` from the records in `folder`; return its path.

    The playground is written beside it: the two lead to each other. Raises HarnessError when there
    is no record, or when a file is not one.
    """
    path = folder / "index.html"
    path.write_text(page(load(folder)), encoding="utf-8")
    write_playground(folder)
    return path


def page(records: list[Record]) -> str:
    """Return the page of these stages."""
    count = len(records)
    stages = word("stages.count", count=count) if count > 1 else word("stage.count")
    return Template(_asset("page.html")).substitute(
        title=word("page")["en"],
        style=_asset("style.css"),
        script=_asset("script.js"),
        skip=both(word("skip")),
        name=both(word("page")),
        playground=link(word("playground"), f"{PLAYGROUND}#lang={{language}}"),
        headline=both(word("headline", stages=stages)),
        lead=both(word("lead", ms=records[0]["distance_ms"])),
        links="".join(map(_link, records)),
        matrix_title=both(word("matrix")),
        matrix=matrix(records),
        figures_title=both(word("figures")),
        figures_lead=both(word("figures.lead")),
        figures=_figures(records),
        stages="".join(map(section, records)),
        foot=both(word("foot")),
    )


def _link(record: Record) -> str:
    return f'<li><a href="#{anchor(record)}">{both(name_of(record))}</a></li>'


def _figures(records: list[Record]) -> str:
    by_stage = {record["stage"]: record for record in records}
    found = plots.latency(records)
    if {2, 3} <= by_stage.keys():
        found += plots.throughput(by_stage[2], by_stage[3])
    if {3, 5} <= by_stage.keys():
        found += plots.load(by_stage[3], by_stage[5])
    if not {2, 3, 5} <= by_stage.keys():
        found += f'<p class="note">{both(word("no_figures"))}</p>'
    return found


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
