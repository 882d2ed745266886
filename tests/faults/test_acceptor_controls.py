"""Without a guard the journal of a history is rejected, also where no promise was broken in it."""

from __future__ import annotations

import dataclasses
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.faults.directed import CONSUMED_FIRST, RELEASED, late
from tests.faults.engine import history
from tests.faults.engine.cluster import Cluster
from tests.faults.engine.scenario import Fault, Scenario, scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.faults.engine.history import Result

pytestmark = pytest.mark.timeout(300)

# Where a promise breaks or where the order of processes matters, the next history may differ.
HISTORIES_MAX = 4
# As for the controls of the promises: an apply may be paused for longer than a rebuild takes.
PATIENT = {"KAFKA_ACK_TIMEOUT_MS": "20000", "PENDING_RESEND_AFTER_S": "60"}
RESTARTED = (Fault(0.2, "redis-kill", for_s=0.05),)
# In order: the replica that takes over has all, so nothing is lost without a rebuild either.
FAILED_OVER = (Fault(0.2, "shard-failover", for_s=2.0),)


def played(faults: Sequence[Fault], users: int) -> Scenario:
    arrivals = tuple((0.1 + 0.05 * number, f"u{number}") for number in range(users))
    return dataclasses.replace(scenario(0, faults), arrivals=arrivals)


def rejected_alone(cluster: Cluster, wanted: Scenario) -> tuple[str, list[Result]]:
    """Play until the model, and nothing else, objects; return what it says, and all results.

    In a cluster there are two campaigns, of which each has its journal.
    """
    results = []
    for _ in range(HISTORIES_MAX):
        result = history.run(cluster, wanted)
        results.append(result)
        if result.is_rejected and all(map(is_of_model, result.violations)):
            return result.violations[0], results
    return "", results


def is_of_model(violation: str) -> bool:
    return violation.startswith(history.MODEL)


@pytest.mark.parametrize(
    ("guard", "settings", "wanted", "sign"),
    [
        pytest.param("confirmation", {}, played((), 8), "CONFIRMED", id="confirmation"),
        pytest.param("pending", {}, played((), 8), "pending is", id="pending record"),
        pytest.param(
            "", {"REDIS_EPOCH": "off"}, played(RESTARTED, 12), "OPEN", id="epoch compared"
        ),
    ],
)
def test_without_a_guard_the_model_rejects_a_history_in_which_no_promise_was_broken(
    cluster_without: Callable[..., Cluster],
    guard: str,
    settings: dict[str, str],
    wanted: Scenario,
    sign: str,
) -> None:
    found, results = rejected_alone(cluster_without(guard, **settings), wanted)
    assert sign in found, [each.violations for each in results]


# Once, since the orders of their steps are given.
@pytest.mark.parametrize(
    ("guard", "wanted"),
    [
        pytest.param("fence", late([RELEASED]), id="fence of a row"),
        pytest.param("lateness", late(CONSUMED_FIRST), id="late records"),
    ],
)
def test_without_a_guard_the_model_rejects_a_row_that_took_no_serial_from_another_user(
    cluster_without: Callable[..., Cluster], guard: str, wanted: Scenario
) -> None:
    result = history.run(cluster_without(guard, **PATIENT), wanted)
    assert not result.passed_over, result.log
    [found] = result.violations
    assert is_of_model(found), found
    assert "MAY_WRITE" in found, found


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, played((), 8)),
        ({}, played(RESTARTED, 12)),
        (PATIENT, late([RELEASED])),
        (PATIENT, late(CONSUMED_FIRST)),
    ],
)
def test_with_every_guard_the_model_accepts_the_same_histories(
    cluster_without: Callable[..., Cluster], settings: dict[str, str], wanted: Scenario
) -> None:
    result = history.run(cluster_without(**settings), wanted)
    assert not result.passed_over, result.log
    assert not result.violations, "\n".join([*result.violations, *result.log])
    assert result.events > len(wanted.arrivals)
    assert not result.gaps


@pytest.fixture(scope="module")
def sharded() -> Iterator[Cluster]:
    with Cluster("tansu", Event(), "cluster") as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("guard", "settings", "wanted", "sign"),
    [
        pytest.param("pending", {}, played((), 8), "pending is", id="pending record"),
        pytest.param("confirmation", {}, played(FAILED_OVER, 8), "CONFIRMED", id="confirmation"),
        pytest.param(
            "", {"REDIS_EPOCH": "off"}, played(FAILED_OVER, 12), "OPEN", id="epoch compared"
        ),
    ],
)
def test_without_a_guard_the_model_rejects_the_journal_of_a_cluster(
    sharded: Cluster, guard: str, settings: dict[str, str], wanted: Scenario, sign: str
) -> None:
    sharded.remove_guard(guard, **settings)
    found, results = rejected_alone(sharded, wanted)
    assert sign in found, [each.violations for each in results]


@pytest.mark.parametrize("faults", [(), FAILED_OVER])
def test_with_every_guard_the_model_accepts_both_journals_of_a_cluster(
    sharded: Cluster, faults: Sequence[Fault]
) -> None:
    sharded.remove_guard()
    result = history.run(sharded, played(faults, 12))
    assert not result.violations, "\n".join([*result.violations, *result.log])
    assert result.events > 2 * len(result.scenario.arrivals)
    assert not result.gaps
