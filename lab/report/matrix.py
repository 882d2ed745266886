"""The table of promises and stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.judge.promises import PROMISES
from lab.report.markup import both, hidden, label
from lab.report.words import word

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.report.records import Record
    from lab.texts import Text

MARKS = {"kept": "✓", "broken": "✗", "none": "–"}
# The figure of a cell, what it is out of, and a third that is shown where it is not 0.
FIGURES = {
    "quota": ("rows", "quota", ""),
    "answered": ("unanswered", "presses", ""),
    "one_each": ("rows", "", ""),
    "mysql_pause": ("late", "presses", ""),
    "retried": ("lost", "accepted", ""),
    "crash": ("barred", "killed", "+unused"),
    "kafka": ("lost", "accepted", ""),
    "twice": ("rows", "people", ""),
    "redis": ("rows", "quota", "−lost"),
}


def matrix(records: list[Record]) -> str:
    """Return the table."""
    head = "".join(map(_column, records))
    rows = "".join(_row(name, records) for name in PROMISES)
    return (
        f'<table class="matrix" role="table" style="--stages:{len(records)}">'
        f"<caption>{both(word('matrix.caption'))}</caption>"
        f'<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">'
        f"{both(word('promise'))}</th>{head}</tr></thead>"
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )


def anchor(record: Record) -> str:
    """Return the id of a stage's section."""
    return f"stage-{record['stage'] or 'mine'}"


def name_of(record: Record) -> Text:
    """Return what a stage is called beside others: its number, or "yours"."""
    return word("stage", number=record["stage"]) if record["stage"] else word("yours")


def _column(record: Record) -> str:
    title = both(record["title"]).replace("_", "_<wbr>")  # a narrow column breaks there
    shown = word("stage.short", number=record["stage"]) if record["stage"] else word("yours")
    return (
        f'<th role="columnheader" scope="col"><a href="#{anchor(record)}" {label(name_of(record))}>'
        f'{both(shown)}</a><span class="column-title">{title}</span></th>'
    )


def _row(promise: str, records: list[Record]) -> str:
    found = [next(p for p in record["promises"] if p["promise"] == promise) for record in records]
    # A single column has room for the whole sentence.
    shown = _figures if len(records) > 1 else _sentence
    cells = "".join(_cell(*column, shown) for column in zip(records, found, strict=True))
    return (
        f'<tr role="row"><th role="rowheader" scope="row"><b>{both(found[0]["title"])}</b>'
        f"<small>{both(found[0]['fault'])}</small>"
        f'<small class="unit">{both(word(f"{promise}.unit"))}</small></th>{cells}</tr>'
    )


def _cell(record: Record, found: Record, shown: Callable[[Record], str]) -> str:
    state = found["state"]
    said = word(state)
    if state == "none":
        inner = f'<span class="mark" aria-hidden="true">{MARKS[state]}</span>{hidden(said)}'
        return f'<td role="cell" class="{state}">{inner}</td>'
    spoken = {each: f"{said[each]}: {found['seen'][each]}" for each in said}
    target = f"{anchor(record)}-{found['promise']}" if state == "broken" else anchor(record)
    return (
        f'<td role="cell" class="{state}"><a href="#{target}" {label(spoken)}>'
        f'<span class="mark" aria-hidden="true">{MARKS[state]}</span>'
        f'<span class="figures" aria-hidden="true">{shown(found)}</span></a></td>'
    )


def _sentence(found: Record) -> str:
    return f"<b>{both(found['seen'])}</b>"


def _figures(found: Record) -> str:
    counts = found["counts"]
    figure, of, more = FIGURES[found["promise"]]
    shown = f"<b>{counts[figure]}</b>"
    if of:
        shown += f"<i>/{counts[of]}</i>"
    if more and counts[more[1:]]:
        shown += f"<i>{more[0]}{counts[more[1:]]}</i>"
    return shown
