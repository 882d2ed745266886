"""The section of one stage: what broke and why, the timeline, the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.playground.page import PAGE as PLAYGROUND
from lab.playground.page import STAGES as PLAYED
from lab.report.code import code
from lab.report.lanes import timeline
from lab.report.markup import both, link
from lab.report.matrix import anchor, name_of
from lab.report.words import why, word
from lab.texts import text

if TYPE_CHECKING:
    from lab.report.records import Record


def section(record: Record) -> str:
    """Return the section."""
    broken = [promise for promise in record["promises"] if promise["state"] == "broken"]
    name = name_of(record)
    recorded = word("recorded", when=record["when"], seconds=record["seconds"])
    breaks = "".join(_breach(record, promise) for promise in broken)
    if not broken:
        breaks = f'<p class="all-kept"><b aria-hidden="true">✓</b> {both(word("all_kept"))}</p>'
    heading = f"<h3>{both(word('broke'))}</h3>" if broken else ""
    return (
        f'<section class="stage" id="{anchor(record)}" tabindex="-1">'
        f'<header><p class="kicker">{both(name)}</p><h2>{both(record["title"])}</h2>'
        f'<p class="meta">{both(recorded)}</p>{_playground(record)}</header>'
        f"{_unexpected(record, {promise['promise'] for promise in broken})}"
        f"{heading}{breaks}{_without_distance(record)}"
        f"<h3>{both(word('code'))}</h3>{code(record)}</section>"
    )


def _playground(record: Record) -> str:
    """Return the link to this stage in the playground, where it is there."""
    number = record["stage"]
    if number not in PLAYED:
        return ""
    address = f"{PLAYGROUND}#stage={number}&lang={{language}}"
    return f'<p class="play">{link(word("play"), address)}</p>'


def _breach(record: Record, promise: Record) -> str:
    people = promise["people"]
    name = promise["promise"]
    reason = both(why(name, record["stage"]))
    body = _people(people, promise["breaches"]) if people else ""
    drawn = timeline(people[0]["person"], people[0]["timeline"]) if people else ""
    return (
        f'<article class="breach" id="{anchor(record)}-{name}" tabindex="-1">'
        f'<h4><span class="mark" aria-hidden="true">✗</span> {both(promise["title"])}</h4>'
        f'<dl class="facts"><div><dt>{both(word("fault"))}</dt>'
        f"<dd>{both(promise['fault'])}</dd></div>"
        f"<div><dt>{both(word('counted'))}</dt><dd>{both(promise['seen'])}</dd></div></dl>"
        f'<p class="why"><b>{both(word("why"))}</b> {reason}</p>'
        f"{body}{drawn}</article>"
    )


def _people(people: list[Record], count: int) -> str:
    first, *others = people
    shown = f'<p class="person">{both(first["what"])}</p>'
    if not others:
        return shown
    items = "".join(f"<li>{both(other['what'])}</li>" for other in others)
    rest = count - len(people)
    if rest > 0:
        items += f"<li>{both(word('more', count=rest))}</li>"
    return f"{shown}<details><summary>{both(word('also'))}</summary><ul>{items}</ul></details>"


def _unexpected(record: Record, broken: set[str]) -> str:
    """Return a warning where a stage of the course did not do what its page says."""
    others = sorted((broken ^ set(record["breaks"])) - set(record["either"]))
    if not record["stage"] or not others:
        return ""
    titles = [text(name) for name in others]
    names = {each: ", ".join(title[each] for title in titles) for each in ("en", "ko")}
    return f'<p class="note">{both(word("unexpected", promises=names))}</p>'


def _without_distance(record: Record) -> str:
    found = record["without_distance"]
    if found is None:
        return ""
    return f'<p class="note">{both(word("without_distance", seen=found["seen"]))}</p>'
