"""A cache as a CDN is one: it keeps an answer as long as the answer says, and asks once for all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.service import Response

MAX_AGE = re.compile(r"\bmax-age=([0-9]+)")
# A request with one of these is for the origin (RFC 9111, sections 3.5 and 5.2.1).
PRIVATE = frozenset({"authorization", "cookie"})
UNCACHED = ("no-cache", "no-store", "max-age=0")


class Asked(NamedTuple):
    """A request for a resource."""

    target: str
    headers: Mapping[str, str]

    @property
    def is_for_the_origin(self) -> bool:
        names = {name.lower(): value for name, value in self.headers.items()}
        directives = f"{names.get('cache-control', '')} {names.get('pragma', '')}"
        return bool(PRIVATE & names.keys()) or any(one in directives for one in UNCACHED)


@dataclass
class SecondCache:
    """origin: answers a request. origin_ms: when it was asked, by the clock of `get`."""

    origin: Callable[[Asked], Response]
    origin_ms: list[float] = field(default_factory=list)
    hits: int = 0
    _kept: dict[str, tuple[float, Response]] = field(default_factory=dict)

    def get(self, asked: Asked, now_ms: float) -> Response:
        """Return the answer that is kept, else the origin's."""
        fresh_until, kept = self._kept.get(asked.target, (0.0, None))
        if kept is not None and now_ms < fresh_until and not asked.is_for_the_origin:
            self.hits += 1
            return kept
        self.origin_ms.append(now_ms)
        answer = self.origin(asked)
        found = MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        if found and not asked.is_for_the_origin:
            self._kept[asked.target] = (now_ms + int(found[1]) * 1000, answer)
        return answer
