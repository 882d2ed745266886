"""First come, first served as people see it: by the times at which they sent and read.

It needs no clock but the clients' own, and no time that the service wrote down. A user whose
requests overlapped those of another may get either serial; one who had read the answer before the
other sent the first request was first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.harness.observations import Observations
    from local.harness.responses import ApplyResponse

ADMITTED = (ACCEPTED, ALREADY_APPLIED)


@dataclass(frozen=True, slots=True)
class _Winner:
    """A user with a serial. The decision is between sent_s, of the first request, and read_s."""

    user: str
    serial: int
    sent_s: float
    read_s: float


def overtaken(seen: Observations) -> list[str]:
    """Return the users who have a lower serial than one who had read it before they applied.

    Excepted: two users whose serials come from different histories of Redis, since a rebuild lets
    each free serial be given again; users of whom it is not known which history gave the serial; a
    user with a serial that was given back; users whose record failed, who may get another serial.
    """
    found = []
    for winners in _by_history(seen).values():
        by_reading = sorted(winners, key=lambda one: one.read_s)
        highest, read = 0, 0
        for later in sorted(winners, key=lambda one: one.sent_s):
            while read < len(by_reading) and by_reading[read].read_s < later.sent_s:
                highest = max(highest, by_reading[read].serial)
                read += 1
            if later.serial < highest and later.serial not in seen.histories.given_back:
                found.append(later.user)
    return found


def sold_out_too_early(seen: Observations) -> list[str]:
    """Return the accepted users who applied after another had read SOLD_OUT.

    Excepted: a SOLD_OUT to a request that was sent before the history of Redis that accepted the
    user had been open for CACHED_S, since a rebuild gives free serials back; users of whom it is
    not known which history gave the serial; users whose record failed; serials above the lowest
    quantity, where the quantity was changed or places were returned.
    """
    rejections = [each for each in seen.responses if each.outcome == SOLD_OUT]
    highest = math.inf if seen.lowest_quantity is None else seen.lowest_quantity
    found = []
    for history, winners in _by_history(seen).items():
        since_s = seen.histories.certain_since_s(history)
        read_s = min(
            (each.latency_s for each in rejections if each.sent_s >= since_s), default=None
        )
        if read_s is not None:
            found += [one.user for one in winners if one.sent_s > read_s and one.serial <= highest]
    return found


def rejected_winners(seen: Observations) -> list[str]:
    """Return the users who had read their serial, applied again, and got SOLD_OUT.

    Excepted: users whose record failed.
    """
    read_s: dict[str, float] = {}
    for each in seen.responses:
        if each.outcome in ADMITTED:
            read_s[each.user] = min(each.latency_s, read_s.get(each.user, math.inf))
    failed = seen.faults.redriven if seen.faults else {}
    return sorted(
        {
            each.user
            for each in seen.responses
            if each.outcome == SOLD_OUT and each.sent_s > read_s.get(each.user, math.inf)
        }.difference(failed)
    )


def _by_history(seen: Observations) -> Mapping[int, list[_Winner]]:
    failed = seen.faults.redriven if seen.faults else {}
    found: dict[int, list[_Winner]] = defaultdict(list)
    for winner in _winners(seen.responses):
        history = seen.histories.of(winner.user, winner.serial)
        if history is not None and winner.user not in failed:
            found[history].append(winner)
    return found


def _winners(responses: Iterable[ApplyResponse]) -> Iterable[_Winner]:
    """Yield each user who got a serial, with the first one."""
    sent_s: dict[str, float] = {}
    first: dict[str, ApplyResponse] = {}
    for each in responses:
        sent_s[each.user] = min(each.sent_s, sent_s.get(each.user, math.inf))
        if each.outcome in ADMITTED and each.serial is not None:
            before = first.get(each.user)
            if before is None or each.latency_s < before.latency_s:
                first[each.user] = each
    for user, one in first.items():
        yield _Winner(user, one.serial or 0, sent_s[user], one.latency_s)
