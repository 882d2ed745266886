"""The campaign would notice: with one guard taken away it finds the broken promise."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine import finding, history
from tests.faults.engine.quiet import DISAGREE, UNREDRIVEN
from tests.faults.engine.scenario import Fault, Scenario, scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.engine.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

# One is usually enough; where chance has a part, the next one has another one.
HISTORIES_MAX = 4
# Short: what is lost does not come however long one waits when everything is consumed.
AGREE_S = 3.0
# Nor where something is awaited for good.
QUIET_S = 8.0
# An apply is held up for longer than a rebuild takes that does not wait, and for less time than
# may pass until a send is begun, which is three quarters of the time for an ack.
ACK_TIMEOUT = {"KAFKA_ACK_TIMEOUT_MS": "8000"}
HELD_UP = (Fault(0.0, "hold", "gateway.admitted", 4.0), Fault(0.25, "redis-flush"))


def broken_promises(
    cluster: Cluster, *faults: Fault, quiet_s: float = history.QUIET_S
) -> list[str]:
    """Play histories with these faults until a promise is broken; return which.

    Each is slower than the one before, for machines on which an answer takes longer. What is only
    late is not broken: without a coupon too many, a history without an end does not count.
    """
    found: list[str] = []
    for seed in range(HISTORIES_MAX):
        played = slower(scenario(seed, faults), 2**seed)
        found = history.run(cluster, played, quiet_s=quiet_s, agree_s=AGREE_S).violations
        if names("P1", found) or (found and not any(is_late(violation) for violation in found)):
            return found
    return [f"nothing in {HISTORIES_MAX} histories, the last: {found}"]


def slower(played: Scenario, times: int) -> Scenario:
    def slowed(fault: Fault) -> Fault:
        # How long an apply may be held up goes by the service's own times.
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


def test_without_the_pending_record_a_killed_apply_loses_a_coupon(
    world_without: Callable[..., Cluster],
) -> None:
    found = broken_promises(world_without("pending"), Fault(0.0, "crash", "gateway.admitted"))
    assert names("P3", found), found


def test_without_the_epoch_check_an_old_copy_of_redis_promises_coupons_that_are_gone(
    world_without: Callable[..., Cluster],
) -> None:
    cluster = world_without(REDIS_EPOCH="off")
    found = broken_promises(cluster, Fault(0.15, "redis-old-copy", for_s=0.6))
    assert names("P3", found), found


def test_offsets_committed_before_the_rows_lose_what_redis_forgets_as_well(
    world_without: Callable[..., Cluster],
) -> None:
    # The pending record alone would heal it, so that is lost too, as a flush loses it: with the
    # right order the topic still has everything.
    faults = (
        # From the start, for whoever is quick has all rows of a history written in a moment.
        Fault(0.0, "mysql-locked", for_s=0.65),
        Fault(0.5, "kill", "poller-1", 0.3),
        Fault(0.5, "kill", "poller-2", 0.3),
        Fault(0.55, "redis-flush"),
    )
    found = broken_promises(world_without("commit-order"), *faults)
    assert names("P3", found), found


def test_without_the_unique_keys_a_second_delivery_makes_a_second_coupon(
    world_without: Callable[..., Cluster],
) -> None:
    cluster = world_without()
    keys = {
        "coupon_one_per_person": "campaign_id, user_id",
        "coupon_serial_once": "campaign_id, serial",
        "coupon_code_once": "code",
    }
    cluster.rows("ALTER TABLE coupon ADD INDEX control (campaign_id)")
    for key in keys:
        cluster.rows(f"ALTER TABLE coupon DROP INDEX {key}")
    try:
        found = broken_promises(cluster, Fault(0.4, "duplicates"), Fault(1.0, "duplicates"))
    finally:
        cluster.rows("DELETE FROM coupon")
        for key, columns in keys.items():
            cluster.rows(f"ALTER TABLE coupon ADD CONSTRAINT {key} UNIQUE ({columns})")
    assert names("P1", found), found
    assert names("P2", found), found


def test_without_the_quantity_in_the_insert_a_forged_record_is_one_too_many(
    world_without: Callable[..., Cluster],
) -> None:
    found = broken_promises(world_without("quantity"), Fault(0.4, "forged"), quiet_s=QUIET_S)
    assert names("P1", found), found


def test_without_the_wait_a_rebuild_gives_away_the_serial_of_an_apply_under_way(
    world_without: Callable[..., Cluster],
) -> None:
    found = broken_promises(world_without("wait", **ACK_TIMEOUT), *HELD_UP)
    assert names("P3", found), found


def test_with_the_wait_the_same_apply_keeps_its_serial(
    world_without: Callable[..., Cluster],
) -> None:
    result = history.run(world_without(**ACK_TIMEOUT), scenario(0, HELD_UP))
    assert not result.violations, "\n".join([*result.violations, *result.log])


def test_without_settle_nothing_ever_comes_to_rest(world_without: Callable[..., Cluster]) -> None:
    found = history.run(world_without("settle"), scenario(0, []), quiet_s=QUIET_S).violations
    assert any("still pending" in violation for violation in found), found


def test_what_fails_is_made_small(world_without: Callable[..., Cluster], tmp_path: Path) -> None:
    cluster = world_without("quantity")
    many = [Fault(0.1, "redis-cut"), Fault(0.3, "forged"), Fault(0.5, "mysql-cut")]
    result = history.run(cluster, scenario(1, many), quiet_s=QUIET_S)
    small = finding.read(finding.smallest(cluster, finding.Finding(result, tmp_path)))
    assert [fault.kind for fault in small.faults] == ["forged"]
    assert len(small.arrivals) < len(result.scenario.arrivals)


def test_with_every_guard_in_place_the_same_faults_break_nothing(
    world_without: Callable[..., Cluster],
) -> None:
    cluster = world_without()
    for faults in (
        [Fault(0.0, "crash", "gateway.admitted")],
        [Fault(0.15, "redis-old-copy", for_s=0.6)],
        [Fault(0.4, "duplicates"), Fault(1.0, "duplicates")],
        [Fault(0.4, "forged")],
    ):
        result = history.run(cluster, scenario(0, faults))
        assert not result.violations, "\n".join([*result.violations, *result.log])
