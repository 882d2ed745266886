"""The responses to the clients, and those of them that no client should ever get."""

from __future__ import annotations

from collections import Counter, defaultdict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.harness.responses import ApplyResponse

# More examples would only repeat the first ones.
EXAMPLES_MAX = 20
# Nothing is broken in a soak: only a machine that paused for a moment explains a 503.
UNAVAILABLE_SHARE_MAX = 0.001
UNAVAILABLE = 503


class ResponseStats:
    """Collects responses from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.statuses: Counter[int] = Counter()
        self.accepted: defaultdict[str, list[ApplyResponse]] = defaultdict(list)
        self.unacknowledged: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.wrong_count = 0
        self.slowest_s: dict[str, float] = defaultdict(float)

    @property
    def count(self) -> int:
        """How many responses there were."""
        return self.statuses.total()

    def record(self, what: str, status: int, expected: frozenset[int], took_s: float) -> None:
        """Count one response to a request of the kind `what`."""
        with self._lock:
            self.statuses[status] += 1
            self.slowest_s[what] = max(self.slowest_s[what], took_s)
        if status not in expected and status != UNAVAILABLE:
            self.fail(f"{what} was answered with {status}")

    @property
    def accepted_count(self) -> int:
        """How many were accepted in all campaigns."""
        return sum(map(len, list(self.accepted.values())))

    def accept(self, campaign_id: str, response: ApplyResponse) -> None:
        """Record an ACCEPTED that a client has read."""
        with self._lock:
            self.accepted[campaign_id].append(response)

    def record_disconnect(self, campaign_id: str) -> None:
        """Count an apply whose client disconnected before the response."""
        with self._lock:
            self.unacknowledged[campaign_id] += 1

    def fail(self, message: str) -> None:
        """Record what must not happen."""
        with self._lock:
            self.wrong_count += 1
            if len(self.wrong) < EXAMPLES_MAX:
                self.wrong.append(message)

    def failures(self) -> list[str]:
        """Return what is wrong with the responses, in sentences."""
        found = list(self.wrong)
        if self.wrong_count > len(found):
            found.append(f"… and {self.wrong_count - len(found)} more like these")
        unavailable = self.statuses[UNAVAILABLE]
        if unavailable > self.count * UNAVAILABLE_SHARE_MAX:
            found.append(f"{unavailable} of {self.count} answers were 503 with nothing broken")
        return found
