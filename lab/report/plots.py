"""The pictures of the burst, drawn as SVG: they follow the page's colours and language."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lab.report.markup import both, label
from lab.report.matrix import name_of
from lab.report.words import word

if TYPE_CHECKING:
    from lab.report.records import Record
    from lab.texts import Text

WIDTH, LEFT, RIGHT = 340, 74, 8
ROW = 30
BARS_HEIGHT = 130


def latency(records: list[Record]) -> str:
    """Return a row for each stage: nine of ten people, the median, the slowest."""
    every = [record["burst"]["latencies_ms"] for record in records]
    top = _round_up(max(map(max, every)))
    height = ROW * len(records) + 24
    rows = "".join(
        _latency_row(record, waits, number, top)
        for number, (record, waits) in enumerate(zip(records, every, strict=True))
    )
    ticks = "".join(_tick(value, top, height - 20) for value in (0, top / 2, top))
    svg = _svg(height, word("latency"), f"{ticks}{rows}")
    return _figure("latency", svg, word("latency.caption"))


def load(third: Record, fifth: Record) -> str:
    """Return MySQL's statements over time without and with Kafka, on the same axes."""
    both_bins = [record["burst"]["mysql_per_100_ms"] for record in (third, fifth)]
    top, count = _round_up(max(map(max, both_bins))), max(map(len, both_bins))
    panels = "".join(
        f'<div class="panel"><h4>{both(word(f"load.{stage}"))}</h4>{_bars(bins, top, count, stage)}'
        f"<p>{both(_load_total(bins))}</p></div>"
        for stage, bins in zip((3, 5), both_bins, strict=True)
    )
    return _figure("load", f'<div class="panels">{panels}</div>', word("load.caption"))


def throughput(second: Record, third: Record) -> str:
    """Return people answered per second: a row lock against INCR."""
    rates = [answered_per_s(record) for record in (second, third)]
    bars = ""
    for stage, rate in zip((2, 3), rates, strict=True):
        share = 100 * rate / max(*rates, 1)
        bars += (
            f"<dt>{both(word(f'throughput.{stage}'))}</dt>"
            f'<dd><span class="bar" style="width:{share:.1f}%"></span>'
            f"<b>{both(word('per_s', count=f'{rate:,.0f}'))}</b></dd>"
        )
    unanswered = second["burst"]["answers"].get("no answer", 0)
    caption = word("throughput.caption", unanswered=unanswered)
    return _figure("throughput", f'<dl class="bars">{bars}</dl>', caption)


def answered_per_s(record: Record) -> float:
    """Return how many people got an answer in a second; an error page is none."""
    burst = record["burst"]
    answered = sum(count for answer, count in burst["answers"].items() if answer != "no answer")
    return float(answered / burst["seconds"])


def quantile(ordered: list[float], share: float) -> float:
    """Return the value that `share` of an ordered list is not above."""
    return ordered[min(len(ordered) - 1, math.floor(len(ordered) * share))]


def _figure(key: str, inner: str, caption: Text) -> str:
    return (
        f'<figure class="plot {key}"><h3>{both(word(key))}</h3>{inner}'
        f"<figcaption>{both(caption)}</figcaption></figure>"
    )


def _svg(height: float, title: Text, inner: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="group" {label(title)}>{inner}</svg>'


def _latency_row(record: Record, waits: list[float], number: int, top: float) -> str:
    low, median, high = (quantile(waits, share) for share in (0.05, 0.5, 0.95))
    y = ROW * number + ROW / 2
    said = word(
        "latency.label", name=name_of(record), median=f"{median:,.0f}", low=f"{low:,.0f}",
        high=f"{high:,.0f}", slowest=f"{waits[-1]:,.0f}",
    )  # fmt: skip
    return (
        f'<g role="img" {label(said)}>'
        f'<text class="name" x="0" y="{y + 4}">{both(name_of(record), "tspan")}</text>'
        f'<line class="whisker" x1="{_x(low, top)}" x2="{_x(waits[-1], top)}" y1="{y}" y2="{y}"/>'
        f'<rect class="box" x="{_x(low, top)}" width="{_x(high, top) - _x(low, top):.1f}" '
        f'y="{y - 6}" height="12" rx="3"/>'
        f'<circle class="median" cx="{_x(median, top)}" cy="{y}" r="4.5"/>'
        f'<text class="value" x="{_x(median, top)}" y="{y - 9}">{median:,.0f}</text></g>'
    )


def _tick(value: float, top: float, bottom: float) -> str:
    x = _x(value, top)
    anchor = "end" if value == top else "middle"
    return (
        f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{bottom}"/>'
        f'<text class="tick" x="{x}" y="{bottom + 16}" text-anchor="{anchor}">'
        f"{value:,.0f} ms</text>"
    )


def _bars(bins: list[int], top: float, count: int, stage: int) -> str:
    left, bottom = 30, BARS_HEIGHT - 20
    width = (WIDTH - left) / count
    grid = "".join(
        f'<line class="grid" x1="{left}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{left - 5}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
        for value in (0, top / 2, top)
        for y in [8 + (bottom - 8) * (1 - value / top)]
    )
    bars = "".join(
        f'<rect class="column s{stage}" x="{left + number * width + 1:.1f}" '
        f'width="{max(width - 2, 1):.1f}" y="{bottom - high:.1f}" height="{high:.1f}"/>'
        for number, value in enumerate(bins)
        for high in [(bottom - 8) * value / top]
    )
    ends = (
        f'<text class="tick" x="{left}" y="{BARS_HEIGHT - 4}">0</text>'
        f'<text class="tick" x="{WIDTH}" y="{BARS_HEIGHT - 4}" text-anchor="end">'
        f"{count * 100:,} ms</text>"
    )
    title = word(f"load.{stage}")
    spoken = {each: f"{title[each]}: {_load_total(bins)[each]}" for each in title}
    return _svg(BARS_HEIGHT, spoken, grid + bars + ends).replace('role="group"', 'role="img"')


def _load_total(bins: list[int]) -> Text:
    busy = [number for number, value in enumerate(bins) if value] or [0]
    took_ms = (busy[-1] - busy[0] + 1) * 100
    return word("load.total", calls=f"{sum(bins):,}", ms=f"{took_ms:,}", most=max(bins, default=0))


def _x(value: float, top: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / top, 1)


def _round_up(value: float) -> float:
    """Return a number for the end of an axis: 1, 2, 3, 5 or 8 and zeros, at least `value`."""
    power = 10.0 ** math.floor(math.log10(max(value, 1)))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)
