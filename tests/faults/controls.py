"""Plays the histories of the controls: until the missing guard is noticed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tests.faults.engine import history
from tests.faults.engine.quiet import DISAGREE, UNREDRIVEN
from tests.faults.engine.scenario import Fault, Scenario, scenario

if TYPE_CHECKING:
    from tests.faults.engine.cluster import Cluster

# One is usually enough; where chance matters, the next history has other chances.
HISTORIES_MAX = 4
# Short: once all is consumed, a lost coupon does not appear after longer waiting.
AGREE_S = 3.0


def broken_promises(
    cluster: Cluster, *faults: Fault, quiet_s: float = history.QUIET_S, promise: str = ""
) -> list[str]:
    """Play histories with these faults until a promise breaks, or `promise`; return the violations.

    Each is slower than the one before, for slow machines. A result that is only
    late is not a violation: except for a coupon too many, a history that does not end is ignored.
    """
    found: list[str] = []
    for seed in range(HISTORIES_MAX):
        played = slower(scenario(seed, faults), 2**seed)
        result = history.run(cluster, played, quiet_s=quiet_s, agree_s=AGREE_S)
        # What the model alone rejects has controls of its own.
        found = [each for each in result.violations if not each.startswith(history.MODEL)]
        if promise and not names(promise, found):
            continue
        if names("P1", found) or (found and not any(is_late(violation) for violation in found)):
            return found
    return [f"nothing in {HISTORIES_MAX} histories, the last: {found}"]


def slower(played: Scenario, times: int) -> Scenario:
    def slowed(fault: Fault) -> Fault:
        # How long an apply may be paused depends on the service's own timeouts.
        for_s = fault.for_s if fault.kind == "hold" else fault.for_s * times
        return dataclasses.replace(fault, at_s=fault.at_s * times, for_s=for_s)

    arrivals = tuple((at_s * times, user) for at_s, user in played.arrivals)
    faults = tuple(slowed(fault) for fault in played.faults)
    return dataclasses.replace(played, arrivals=arrivals, faults=faults)


def is_late(violation: str) -> bool:
    ends = (DISAGREE, UNREDRIVEN)
    return "not quiet" in violation and not any(end in violation for end in ends)


def names(promise: str, violations: list[str]) -> bool:
    return any(violation.startswith(promise) for violation in violations)
