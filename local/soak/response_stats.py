"""What clients were told, and what of it nobody should ever be told."""

from __future__ import annotations

from collections import Counter, defaultdict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.harness.responses import ApplyResponse

# More of them would only repeat what the first ones say.
EXAMPLES_MAX = 20
# Nothing is broken in a soak, so nothing explains a 503 but a machine that paused for a moment.
UNAVAILABLE_SHARE_MAX = 0.001
UNAVAILABLE = 503


class ResponseStats:
    """Collects answers from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.statuses: Counter[int] = Counter()
        self.accepted: defaultdict[str, list[ApplyResponse]] = defaultdict(list)
        self.unacknowledged: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.wrong_count = 0
        self.slowest_s: dict[str, float] = defaultdict(float)

    @property
    def answers(self) -> int:
        """How many there were."""
        return self.statuses.total()

    def answer(self, what: str, status: int, expected: frozenset[int], took_s: float) -> None:
        """Count one answer to a call of the kind `what`."""
        with self._lock:
            self.statuses[status] += 1
            self.slowest_s[what] = max(self.slowest_s[what], took_s)
        if status not in expected and status != UNAVAILABLE:
            self.fail(f"{what} was answered with {status}")

    @property
    def accepted_count(self) -> int:
        """How many were accepted in all campaigns."""
        return sum(map(len, list(self.accepted.values())))

    def accept(self, campaign_id: str, answer: ApplyResponse) -> None:
        """Keep an ACCEPTED that a client has read."""
        with self._lock:
            self.accepted[campaign_id].append(answer)

    def record_disconnect(self, campaign_id: str) -> None:
        """Count an apply whose client went away before the answer."""
        with self._lock:
            self.unacknowledged[campaign_id] += 1

    def fail(self, about: str) -> None:
        """Note what must not happen."""
        with self._lock:
            self.wrong_count += 1
            if len(self.wrong) < EXAMPLES_MAX:
                self.wrong.append(about)

    def failures(self) -> list[str]:
        """Return what is wrong with the answers, in sentences."""
        found = list(self.wrong)
        if self.wrong_count > len(found):
            found.append(f"… and {self.wrong_count - len(found)} more like these")
        unavailable = self.statuses[UNAVAILABLE]
        if unavailable > self.answers * UNAVAILABLE_SHARE_MAX:
            found.append(f"{unavailable} of {self.answers} answers were 503 with nothing broken")
        return found
