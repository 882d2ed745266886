"""The numbers of one process at one moment, as JSON that another process reads; and their sums."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handlers.domain import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handlers.domain.metric import Histogrammed, Labels

# By name and labels. A list is a histogram: its counts, and the sum.
Snapshot = dict[str, dict["Labels", "float | Histogrammed"]]

GAUGES = frozenset(metric.name for metric in metrics.ALL if metric.kind == "gauge")


def snapshot() -> Snapshot:
    """Return the numbers of this process."""
    return {metric.name: metric.snapshot() for metric in metrics.ALL}


def to_json(numbers: Snapshot) -> str:
    """Return what from_json reads."""
    return json.dumps({name: list(values.items()) for name, values in numbers.items() if values})


def from_json(text: str) -> Snapshot:
    """Return the numbers; raise ValueError where the text is not whole."""
    return {
        name: {tuple(labels): number for labels, number in values}
        for name, values in json.loads(text).items()
    }


def total(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Return the sums of what several processes have counted."""
    sums: Snapshot = {}
    for one in snapshots:
        for name, values in one.items():
            of_name = sums.setdefault(name, {})
            for labels, number in values.items():
                of_name[labels] = _plus(of_name.get(labels), number)
    return sums


def without_gauges(numbers: Snapshot) -> Snapshot:
    """Return what stays of a process that has ended: what it did, and not what it had."""
    return {name: values for name, values in numbers.items() if name not in GAUGES}


def _plus(one: float | Histogrammed | None, other: float | Histogrammed) -> float | Histogrammed:
    if one is None:
        return other
    if isinstance(one, list) and isinstance(other, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    if isinstance(one, list) or isinstance(other, list):
        message = "a histogram and a number have the same name"
        raise TypeError(message)
    return one + other
