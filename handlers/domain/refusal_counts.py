"""How many applications to a campaign this process has refused, and why.

Counted in memory, so that a refusal costs no round trip; what is stored is the sum of a second.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from handlers.domain.errors import ServiceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# From the first refusal to the sum. A process that is killed loses at most the counts of so long.
SECOND_S = 1.0

Counts = dict[str, Counter[str]]  # by campaign and reason


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was counted; since_ms: when counting began by Redis's clock, None before the first."""

    since_ms: int | None = None
    by_reason: Mapping[str, int] = field(default_factory=dict)


class RefusalCounts:
    """Shared by all threads. Only refusals of campaigns that exist: there are few of those."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[tuple[str, str], int] = {}
        self._due_at = 0.0

    def count(self, campaign_id: str, reason: str) -> None:
        """Count one refusal."""
        key = campaign_id, reason
        with self._lock:
            if not self._counts:
                self._due_at = self._clock() + SECOND_S
            self._counts[key] = self._counts.get(key, 0) + 1

    def count_error(self, campaign_id: str, error: object) -> None:
        """Count an error that is the applicant's; a 503 or a fault of ours is no refusal."""
        if isinstance(error, ServiceError) and not isinstance(error, UnavailableError):
            self.count(campaign_id, error.code)

    def is_due(self) -> bool:
        """Return whether there is a sum of a second."""
        return bool(self._counts) and self._clock() >= self._due_at

    def take(self) -> Mapping[str, Counter[str]]:
        """Return what was counted since the last time, and begin again."""
        with self._lock:
            taken, self._counts = self._counts, {}
        counts: Counts = {}
        for (campaign_id, reason), count in taken.items():
            counts.setdefault(campaign_id, Counter())[str(reason)] = count
        return counts


REFUSALS = RefusalCounts()
