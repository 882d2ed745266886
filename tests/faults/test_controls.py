"""The campaign would notice: with one guard removed, it finds the broken promise."""

from __future__ import annotations

import dataclasses
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.faults.controls import AGREE_S, broken_promises, names
from tests.faults.directed import RELEASED, lost_batch, overtaken, passed
from tests.faults.engine import finding, history
from tests.faults.engine.cluster import Cluster
from tests.faults.engine.scenario import SILENT, SPLIT, Fault, scenario
from tests.faults.notes import Note
from tests.support.unique_keys import without_unique_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


pytestmark = pytest.mark.timeout(300)

# Short: an event that will never happen does not happen after longer waiting.
QUIET_S = 8.0
# An apply is paused for longer than a rebuild takes, and for less time than may pass until a send
# starts, which is three quarters of the ack timeout. Meanwhile the relay sends nothing.
PATIENT = {"KAFKA_ACK_TIMEOUT_MS": "20000", "PENDING_RESEND_AFTER_S": "60"}
# The primary is cut off while an apply is paused that the promoted replica does not know. Its
# clients stay with it, except for the scheduler, which rebuilds the new one.
CUT_OFF = (
    Fault(0.0, "redis-failover", SPLIT, 0.3),
    Fault(0.1, "hold", "gateway.admitted", 4.0),
    Fault(0.35, "kill", "scheduler", 0.05),
)
# The same, and the primary does not notice: it takes its replica for a slow one.
SILENTLY = (Fault(0.0, "redis-failover", SILENT, 0.3), *CUT_OFF[1:])
# A shard's primary is demoted, forgets its last writes, and is primary again before any rebuild.
THERE_AND_BACK = (
    Fault(0.0, "kill", "scheduler", 3.5),
    Fault(0.1, "shard-takeover", for_s=0.5),
    Fault(2.6, "shard-failover", for_s=4.0),
)
# How far the overtaken apply must have come before the other one goes on, for each guard.
SENT, WRITTEN = (passed(f"gateway.{point}") for point in ("sent", "written"))
CONSUMED = (RELEASED, Fault(0.0, "await-consumed"))


def test_without_the_pending_record_a_killed_apply_loses_a_coupon(
    cluster_without: Callable[..., Cluster],
) -> None:
    found = broken_promises(cluster_without("pending"), Fault(0.0, "crash", "gateway.admitted"))
    assert names("P3", found), found


def test_without_the_epoch_check_an_old_copy_of_redis_promises_coupons_already_given(
    cluster_without: Callable[..., Cluster],
) -> None:
    cluster = cluster_without(REDIS_EPOCH="off")
    found = broken_promises(cluster, Fault(0.15, "redis-old-copy", for_s=0.6))
    assert names("P3", found), found


def test_offsets_committed_before_the_rows_lose_the_coupons_that_redis_loses_too(
    cluster_without: Callable[..., Cluster],
) -> None:
    cluster = cluster_without("commit-order", **PATIENT)
    result = history.run(cluster, lost_batch("poller.unwritten"), agree_s=AGREE_S)
    assert not result.passed_over, result.log
    assert names("P3", result.violations), result.log


def test_offsets_committed_after_the_rows_lose_nothing_with_redis(
    cluster_without: Callable[..., Cluster],
) -> None:
    cluster = cluster_without(**PATIENT)
    result = history.run(cluster, lost_batch("poller.commit-before"))
    assert not result.passed_over, result.log
    assert not result.violations, "\n".join([*result.violations, *result.log])


def test_without_the_unique_keys_a_second_delivery_makes_a_second_coupon(
    cluster_without: Callable[..., Cluster],
) -> None:
    cluster = cluster_without()
    with without_unique_keys(cluster.rows):
        found = broken_promises(cluster, Fault(0.4, "duplicates"), Fault(1.0, "duplicates"))
    assert names("P1", found), found
    assert names("P2", found), found


def test_without_the_quantity_in_the_insert_a_forged_record_is_one_too_many(
    cluster_without: Callable[..., Cluster],
) -> None:
    found = broken_promises(cluster_without("quantity"), Fault(0.4, "forged"), quiet_s=QUIET_S)
    assert names("P1", found), found


@pytest.mark.parametrize(
    ("guard", "until"),
    [
        pytest.param("confirmation", SENT, id="confirmation after the ack"),
        pytest.param("fence", WRITTEN, id="fence of a row"),
        pytest.param("lateness", CONSUMED, id="records that came late"),
    ],
)
def test_without_a_guard_an_apply_that_a_rebuild_overtook_takes_the_serial_of_another_user(
    cluster_without: Callable[..., Cluster], guard: str, until: Sequence[Fault]
) -> None:
    result = history.run(cluster_without(guard, **PATIENT), overtaken(until), agree_s=AGREE_S)
    assert not result.passed_over, result.log
    assert names("P3", result.violations), result.log


@pytest.mark.parametrize("until", [SENT, WRITTEN, CONSUMED])
def test_with_every_guard_an_apply_that_a_rebuild_overtook_takes_no_serial(
    cluster_without: Callable[..., Cluster], until: Sequence[Fault]
) -> None:
    result = history.run(cluster_without(**PATIENT), overtaken(until))
    assert not result.passed_over, result.log
    assert not result.violations, "\n".join([*result.violations, *result.log])
    assert result.noted[Note.UNCONFIRMED], result.log


@pytest.fixture(scope="module")
def replicated() -> Iterator[Cluster]:
    with Cluster("tansu", Event(), "replicas") as cluster:
        yield cluster


def test_without_a_write_a_cut_off_primary_confirms_what_was_lost(
    replicated: Cluster,
) -> None:
    replicated.remove_guard("replicas", **PATIENT)
    found = broken_promises(replicated, *CUT_OFF, promise="P3")
    assert any("no row" in violation for violation in found), found


def test_with_a_write_a_cut_off_primary_confirms_nothing(
    replicated: Cluster,
) -> None:
    replicated.remove_guard(**PATIENT)
    result = history.run(replicated, scenario(0, CUT_OFF))
    assert not result.violations, "\n".join([*result.violations, *result.log])


def test_a_primary_that_does_not_notice_that_it_is_cut_off_confirms_what_was_lost(
    replicated: Cluster,
) -> None:
    replicated.remove_guard(**PATIENT)
    found = broken_promises(replicated, *SILENTLY, promise="P3")
    assert any("no row" in violation for violation in found), found


def test_with_a_confirming_replica_it_confirms_nothing(replicated: Cluster) -> None:
    replicated.remove_guard(**PATIENT)
    played = dataclasses.replace(scenario(0, SILENTLY), confirming=1)
    result = history.run(replicated, played)
    assert not result.violations, "\n".join([*result.violations, *result.log])
    assert result.noted[Note.UNCONFIRMED], result.log


@pytest.fixture(scope="module")
def sharded() -> Iterator[Cluster]:
    with Cluster("tansu", Event(), "cluster") as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("guard", "settings"),
    [
        pytest.param("", {"REDIS_EPOCH": "off"}, id="no epoch"),
        pytest.param("history", {}, id="epoch of a server, not of its history"),
    ],
)
def test_without_its_history_a_primary_that_is_one_again_promises_coupons_already_given(
    sharded: Cluster, guard: str, settings: dict[str, str]
) -> None:
    sharded.remove_guard(guard, **settings)
    found = broken_promises(sharded, *THERE_AND_BACK, promise="P3")
    assert names("P3", found), found


def test_with_its_history_a_primary_that_is_one_again_is_rebuilt_first(
    sharded: Cluster,
) -> None:
    sharded.remove_guard()
    result = history.run(sharded, scenario(0, THERE_AND_BACK))
    assert not result.violations, "\n".join([*result.violations, *result.log])
    assert result.noted[Note.OPENED], result.log
    assert not any("passed over" in line for line in result.log), result.log


def test_a_gateway_whose_processes_hand_out_serials_from_stocks_of_ten_is_noticed(
    cluster_without: Callable[..., Cluster],
) -> None:
    found = broken_promises(cluster_without("one-queue"), promise="P4")
    signs = "a lower serial than one who had read it", "applied after another had read SOLD_OUT"
    assert any(sign in violation for sign in signs for violation in found), found


def test_without_settle_a_history_never_becomes_quiet(
    cluster_without: Callable[..., Cluster],
) -> None:
    found = history.run(cluster_without("settle"), scenario(0, []), quiet_s=QUIET_S).violations
    assert any("still pending" in violation for violation in found), found


def test_a_failing_history_is_shrunk(
    cluster_without: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = cluster_without("quantity")
    many = [Fault(0.1, "redis-cut"), Fault(0.3, "forged"), Fault(0.5, "mysql-cut")]
    result = history.run(cluster, scenario(1, many), quiet_s=QUIET_S)
    small = finding.read(finding.smallest(cluster, finding.Finding(result, tmp_path)))
    assert [fault.kind for fault in small.faults] == ["forged"]
    assert len(small.arrivals) < len(result.scenario.arrivals)


def test_with_every_guard_in_place_the_same_faults_break_nothing(
    cluster_without: Callable[..., Cluster],
) -> None:
    cluster = cluster_without()
    for faults in (
        [Fault(0.0, "crash", "gateway.admitted")],
        [Fault(0.15, "redis-old-copy", for_s=0.6)],
        [Fault(0.4, "duplicates"), Fault(1.0, "duplicates")],
        [Fault(0.4, "forged")],
    ):
        result = history.run(cluster, scenario(0, faults))
        assert not result.violations, "\n".join([*result.violations, *result.log])
