"""The campaign would notice: with one guard taken away it finds the broken promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.engine import history
from tests.faults.engine.scenario import Fault, scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.world import World

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

HISTORIES_MAX = 3
# Short: what is lost does not come however long one waits.
QUIET_S, PATIENCE_S = 4.0, 6.0


def broken_promises(world: World, *faults: Fault) -> list[str]:
    """Play histories with these faults until a promise is broken; return which."""
    found: list[str] = []
    for seed in range(HISTORIES_MAX):
        played = scenario(seed, faults)
        found = history.run(world, played, quiet_s=QUIET_S, patience_s=PATIENCE_S).violations
        if found:
            break
    return found


def names(promise: str, violations: list[str]) -> bool:
    return any(violation.startswith(promise) for violation in violations)


def test_without_the_pending_record_a_killed_apply_loses_a_coupon(
    world_without: Callable[..., World],
) -> None:
    found = broken_promises(world_without("pending"), Fault(0.0, "crash", "gateway.admitted"))
    assert names("P3", found), found


def test_without_the_epoch_check_an_old_copy_of_redis_promises_coupons_that_are_gone(
    world_without: Callable[..., World],
) -> None:
    world = world_without(REDIS_EPOCH="off")
    found = broken_promises(world, Fault(0.15, "redis-old-copy", for_s=0.6))
    assert names("P3", found), found


def test_offsets_committed_before_the_rows_lose_what_redis_forgets_as_well(
    world_without: Callable[..., World],
) -> None:
    # The pending record alone would heal it, so that is lost too, as a flush loses it: with the
    # right order the topic still has everything.
    faults = (
        Fault(0.05, "mysql-locked", for_s=0.6),
        Fault(0.1, "crash", "poller.commit-before"),
        Fault(0.1, "crash", "poller.commit-before"),
        Fault(0.5, "kill", "poller-1", 0.3),
        Fault(0.5, "kill", "poller-2", 0.3),
        Fault(0.55, "redis-flush"),
    )
    found = broken_promises(world_without("commit-order"), *faults)
    assert names("P3", found), found


def test_without_the_unique_keys_a_second_delivery_makes_a_second_coupon(
    world_without: Callable[..., World],
) -> None:
    world = world_without()
    world.rows("ALTER TABLE coupon ADD INDEX control (campaign_id)")
    for key in ("coupon_one_per_person", "coupon_serial_once", "coupon_code_once"):
        world.rows(f"ALTER TABLE coupon DROP INDEX {key}")
    found = broken_promises(world, Fault(0.4, "duplicates"), Fault(1.0, "duplicates"))
    assert names("P1", found), found
    assert names("P2", found), found


def test_without_the_quantity_in_the_insert_a_forged_record_is_one_too_many(
    world_without: Callable[..., World],
) -> None:
    found = broken_promises(world_without("quantity"), Fault(0.4, "forged"))
    assert names("P1", found), found


def test_without_the_wait_a_rebuild_gives_away_the_serial_of_an_apply_under_way(
    world_without: Callable[..., World],
) -> None:
    # Held up between the script and Kafka for less time than an ack may take.
    faults = [Fault(0.1, "hold", "gateway.admitted", 0.4), Fault(0.2, "redis-flush")]
    found = broken_promises(world_without("wait"), *faults)
    assert names("P3", found), found


def test_without_settle_nothing_ever_comes_to_rest(world_without: Callable[..., World]) -> None:
    found = broken_promises(world_without("settle"))
    assert any("still pending" in violation for violation in found), found


def test_with_every_guard_in_place_the_same_faults_break_nothing(
    world_without: Callable[..., World],
) -> None:
    world = world_without()
    held = [Fault(0.1, "hold", "gateway.admitted", 0.4), Fault(0.2, "redis-flush")]
    for faults in (
        [Fault(0.0, "crash", "gateway.admitted")],
        [Fault(0.15, "redis-old-copy", for_s=0.6)],
        [Fault(0.4, "duplicates"), Fault(1.0, "duplicates")],
        [Fault(0.4, "forged")],
        held,
    ):
        result = history.run(world, scenario(0, faults))
        assert not result.violations, "\n".join([*result.violations, *result.log])
