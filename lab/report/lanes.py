"""The timeline of one person: five lanes, a row for each step, time from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.report.markup import both, label
from lab.report.words import word
from lab.texts import SENTENCES

if TYPE_CHECKING:
    from lab.texts import Text

LANES = ("person", "process", "redis", "kafka", "mysql")
ROW, HEAD, TIME_WIDTH, LANE_WIDTH = 32, 34, 66, 62
WIDTH = TIME_WIDTH + LANE_WIDTH * len(LANES)
EVENTS_SHOWN_MAX = 18
# A pause longer than this gets a row of its own: rows do not show how much time lies between them.
PAUSE_MS = 400
ARROW = 7
SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One row: an event, or words for what lies between two of them."""

    event: dict[str, Any] | None = None
    pause: Text | None = None


def timeline(person: Text, events: list[dict[str, Any]]) -> str:
    """Return the lanes, and the same events as a list beside them."""
    rows = rows_of(events)
    title = word("timeline", name=person)
    items = "".join(_item(row) for row in rows)
    return (
        f'<figure class="timeline" style="--row:{ROW}px;--head:{HEAD}px">'
        f"<figcaption><b>{both(title)}</b> <span>{both(word('timeline.help'))}</span></figcaption>"
        f'<div class="lanes-and-list">{_svg(rows, title)}<ol aria-hidden="true">{items}</ol></div>'
        "</figure>"
    )


def rows_of(events: list[dict[str, Any]]) -> list[LaneRow]:
    """Return the rows: of many events the first and the last, and the pauses between them."""
    left_out = max(0, len(events) - EVENTS_SHOWN_MAX)
    first = EVENTS_SHOWN_MAX * 2 // 3 if left_out else len(events)
    rows: list[LaneRow] = []
    for number, event in enumerate(events):
        if first <= number < first + left_out:
            if number == first:
                rows.append(LaneRow(pause=word("left_out", count=left_out)))
            continue
        is_after_gap = left_out and number == first + left_out
        waited_ms = event["ms"] - events[number - 1]["ms"] if number else 0
        if waited_ms >= PAUSE_MS and not is_after_gap:
            rows.append(LaneRow(pause=word("later", time=_duration(waited_ms))))
        rows.append(LaneRow(event))
    return rows


def ends(event: dict[str, Any]) -> tuple[int, int]:
    """Return the lanes that an event goes from and to; the same one twice where it stays."""
    server, actor = event["server"].lower(), event["actor"]["en"]
    if server in LANES:
        lane = LANES.index(server)
        if actor == "lab":
            return lane, lane
        return (lane, 1) if event["says"]["en"].startswith("deliver") else (1, lane)
    if actor == "lab" or actor.split(" ")[0] in {"app", "consumer", "clock"}:
        return 1, 1
    # The person: she presses, or an answer reaches her.
    return (1, 0) if _is(event, "event.answer") else (0, 1)


def _svg(rows: list[LaneRow], title: Text) -> str:
    height = HEAD + ROW * len(rows) + 6
    heads = "".join(_head(number, name, height) for number, name in enumerate(LANES))
    numbers = [i for i, row in enumerate(rows) if row.event]
    body = "".join(
        _drawn(row, number, is_first=number == numbers[0]) for number, row in enumerate(rows)
    )
    return (
        f'<svg class="lanes" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="group" {label(title)}>{heads}{body}</svg>'
    )


def _head(number: int, name: str, height: int) -> str:
    x = _x(number)
    return (
        f'<text class="lane-name" x="{x}" y="18">{both(word(f"lane.{name}"), "tspan")}</text>'
        f'<line class="lane" x1="{x}" x2="{x}" y1="{HEAD - 8}" y2="{height}"/>'
    )


def _drawn(row: LaneRow, number: int, *, is_first: bool) -> str:
    y = HEAD + ROW * number + ROW / 2
    if row.event is None:
        return f'<line class="pause" x1="{TIME_WIDTH}" x2="{WIDTH}" y1="{y}" y2="{y}"/>'
    event = row.event
    source, target = ends(event)
    spoken = {each: f"{event['ms']:,.0f} ms, {_spoken(event, each)}" for each in event["says"]}
    return (
        f'<g class="event {_kind(event)}" data-row="{number}" tabindex="{0 if is_first else -1}" '
        f'role="img" {label(spoken)}>'
        f'<rect class="hit" x="0" y="{y - ROW / 2}" width="{WIDTH}" height="{ROW}" rx="4"/>'
        f'<text class="time" x="{TIME_WIDTH - 16}" y="{y + 4}">{_duration(event["ms"])}</text>'
        f"{_mark(_kind(event), source, target, y)}</g>"
    )


def _kind(event: dict[str, Any]) -> str:
    """Return what an event is: a call, a fault of the lab, or the rows at the end."""
    if _is(event, "event.rows"):
        return "result"
    if event["actor"]["en"] == "lab" or _is(event, "event.killed"):
        return "strike"
    return "failed" if "Error" in event["says"]["en"] else "call"


def _is(event: dict[str, Any], key: str) -> bool:
    """Return whether an event says this sentence of the lab, with whatever values."""
    beginning = SENTENCES[key][0].partition("{")[0]
    says: str = event["says"]["en"]
    return says.startswith(beginning)


def _mark(kind: str, source: int, target: int, y: float) -> str:
    x = _x(target)
    if kind == "strike":
        return f'<path d="M{x - 6} {y - 6}l12 12m0 -12l-12 12"/>'
    if kind == "result":
        return f'<circle class="ring" cx="{x}" cy="{y}" r="6"/>'
    if source == target:
        return f'<rect class="dot" x="{x - 5}" y="{y - 5}" width="10" height="10"/>'
    direction = 1 if target > source else -1
    tip = x - direction * 2
    return (
        f'<circle class="dot" cx="{_x(source)}" cy="{y}" r="4"/>'
        f'<line class="arrow" x1="{_x(source)}" x2="{tip - direction * ARROW}" y1="{y}" y2="{y}"/>'
        f'<path class="tip" d="M{tip} {y}l{-direction * ARROW} -{ARROW - 2}v{2 * (ARROW - 2)}z"/>'
    )


def _item(row: LaneRow) -> str:
    if row.event is None:
        return f'<li class="pause">{both(row.pause or {"en": "", "ko": ""})}</li>'
    event = row.event
    return (
        f'<li class="{_kind(event)}"><i>{both(event["actor"])}</i> '
        f"<span>{both(event['says'])}{_times(event)}</span></li>"
    )


def _spoken(event: dict[str, Any], language: str) -> str:
    who = ", ".join(filter(None, (event["actor"][language], event["server"])))
    return f"{who}: {event['says'][language]}{_times(event)}"


def _times(event: dict[str, Any]) -> str:
    return f" ×{event['times']}" if event["times"] > 1 else ""


def _duration(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < SECOND_MS else f"{ms / SECOND_MS:,.2f} s"


def _x(lane: int) -> float:
    return TIME_WIDTH + LANE_WIDTH * (lane + 0.5)
