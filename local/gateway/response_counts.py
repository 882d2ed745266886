"""Counts the gateway's responses: a refusal from memory costs little more than this frame.

Only the event loop's thread counts, so it takes no lock, and one look-up for count and duration.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import TYPE_CHECKING

from handlers.domain import metrics

if TYPE_CHECKING:
    from handlers.domain.metric import Histogrammed, Labels

# Labels of what is not in the table: a client may ask for any path, by any method.
OTHER = "other"


class ResponseCounts:
    """The responses of this process, by method, path template and status."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], Histogrammed] = {}

    def add(self, method: str, path: str, status: int, started: float) -> None:
        """Count a response; started: time.perf_counter() at the request's arrival."""
        took_s = time.perf_counter() - started
        counts = self._counts.get((method, path, status))
        if counts is None:
            counts = self._counts[method, path, status] = metrics.RESPONSE_SECONDS.empty()
        counts[bisect_left(metrics.REQUEST_BUCKETS_S, took_s)] += 1
        counts[-1] += took_s

    def show(self) -> None:
        """Set the metrics; any thread may call it."""
        responses: dict[Labels, float] = {}
        durations: dict[Labels, Histogrammed] = {}
        for (method, path, status), moving in list(self._counts.items()):
            counts = moving[:]  # the event loop's thread goes on
            responses[method, path, str(status)] = sum(counts[:-1])
            before = durations.get((method, path), metrics.RESPONSE_SECONDS.empty())
            durations[method, path] = [a + b for a, b in zip(before, counts, strict=True)]
        metrics.RESPONSES.set_all(responses)
        metrics.RESPONSE_SECONDS.set_all(durations)
