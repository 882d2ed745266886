"""The line of each request; of a flood, the first of each kind in a second, and how many more.

A line costs more than a refusal from memory, and a hundred thousand a second cost hundreds of
dollars an hour to take in. Lines that say who got what are never summed up.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from handlers import log

if TYPE_CHECKING:
    from collections.abc import Callable

# From the first of a kind to the sum of the others. No thread waits for its end, as none runs in
# Lambda between two invocations: the next request writes the sum, or flush().
SECOND_S = 1.0
MESSAGE = "more requests of a kind"

Kind = tuple[str, object, object, object]  # handler, outcome, status, cause


@dataclass(slots=True)
class _More:
    """The requests of a kind after the first."""

    count: int = 0
    duration_ms_max: float = 0.0


class RequestLog:
    """Writes the lines of a process's requests; safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kinds: dict[Kind, _More] = {}
        self._until = 0.0

    def write(self, handler: str, fields: dict[str, Any], *, is_noise: bool) -> None:
        """Write a request's line, or count it: where it is noise, and not the first of its kind.

        The fields are outcome, status, duration_ms, of a failure its cause, and others. There must
        be few outcomes and causes: none that a client can choose freely.
        """
        if self._kinds and self._clock() >= self._until:
            self.flush()
        if not is_noise or self._is_first(handler, fields):
            log.info(handler, fields)

    def flush(self) -> None:
        """Write what was counted since the last time; the next of each kind is a first one."""
        with self._lock:
            kinds, self._kinds = self._kinds, {}
        for (handler, outcome, status, cause), more in kinds.items():
            if more.count:
                fields = {"handler": handler, "outcome": outcome, "status": status}
                if cause is not None:
                    fields["cause"] = cause
                fields |= {"count": more.count, "duration_ms_max": more.duration_ms_max}
                log.info(MESSAGE, fields)

    def _is_first(self, handler: str, fields: dict[str, Any]) -> bool:
        kind = (handler, fields["outcome"], fields["status"], fields.get("cause"))
        with self._lock:
            more = self._kinds.get(kind)
            if more is None:
                if not self._kinds:
                    self._until = self._clock() + SECOND_S
                self._kinds[kind] = _More()
                return True
            more.count += 1
            more.duration_ms_max = max(more.duration_ms_max, fields["duration_ms"])
            return False


REQUESTS = RequestLog()
