"""Erasures that others cross, step by step: the id is gone, and no person gets a second coupon.

The model has no persons, only users: a pseudonym is the same one, and its acceptor judges the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import mutants as without
from tests.simulation.faults import EMPTIED
from tests.simulation.machine import TO_THE_END, Violation
from tests.simulation.plans import Plan, Program, Run, Then
from tests.simulation.test_returned import (
    ANN,
    AT_ONCE,
    BOB,
    CONSUMER,
    GIVES_BACK,
    REBUILD,
    all_of,
    paused_at,
    play,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.cluster import Cluster
    from tests.simulation.machine import Protocol

    TakeAway = Callable[[pytest.MonkeyPatch, Cluster], None]
    History = Callable[[Protocol], None]

ERASED = Run(Program.ERASE, "ann", 0)
COMPLETED = Run(Program.COMPLETION, "", 0)
QUANTITY = 2


def applies_again(machine: Protocol) -> None:
    """A user who was erased applies once more."""
    all_of(machine, ANN, CONSUMER, ERASED, ANN, CONSUMER)


def erased_on_the_way(machine: Protocol) -> None:
    """The admission is in the topic alone; its record comes after the erasure, and once more."""
    all_of(machine, ANN, ERASED, CONSUMER, ANN, Run(Program.RELAY, "", 0), CONSUMER)


def erased_before_the_settlement(machine: Protocol) -> None:
    """The row is written, and settled only when its user is erased."""
    all_of(machine, ANN)
    settling = paused_at(machine, CONSUMER, "commit", "redis")
    all_of(machine, ERASED)
    machine.follow(settling, TO_THE_END)
    all_of(machine, ANN)


def killed_before_redis(machine: Protocol) -> None:
    """MySQL has the pseudonym, Redis the id; the scheduler goes on."""
    all_of(machine, ANN, CONSUMER)
    erasing = machine.play(ERASED, AT_ONCE)
    assert erasing
    while not machine.cluster.rows("SELECT 1 FROM coupon WHERE user_id LIKE 'erased-%%'"):
        machine.follow(erasing, Plan(1, None, Then.PAUSES))
    assert erasing.point == "redis"
    machine.cluster.stage.go(erasing, None)
    all_of(machine, ANN, COMPLETED, ANN)


def erased_in_a_give_back(machine: Protocol) -> None:
    """The user gives the coupon back, and is erased before Redis knows of the place."""
    all_of(machine, ANN, CONSUMER)
    giving = paused_at(machine, GIVES_BACK, "commit", "redis")
    all_of(machine, ERASED)
    machine.follow(giving, TO_THE_END)
    all_of(machine, COMPLETED)


def rebuilt_afterwards(machine: Protocol) -> None:
    """Redis loses everything, and gets the pseudonym from MySQL and not the id from the topic."""
    all_of(machine, ANN, CONSUMER, BOB, ERASED)
    machine.inject_redis(EMPTIED)
    all_of(machine, REBUILD, ANN, CONSUMER, ANN)


def erased_in_a_rebuild(machine: Protocol) -> None:
    """A rebuild has read the topic: the erasure waits, and is asked for again."""
    all_of(machine, ANN, CONSUMER)
    machine.inject_redis(EMPTIED)
    rebuilding = paused_at(machine, REBUILD, "read topic", "read topic", "redis", "mysql")
    all_of(machine, ERASED)
    machine.follow(rebuilding, TO_THE_END)
    all_of(machine, ERASED, ANN)


GUARDS: dict[History, TakeAway | None] = {
    applies_again: without.pseudonym_of_applicant,
    erased_on_the_way: None,
    erased_before_the_settlement: without.pseudonym_of_settled,
    killed_before_redis: without.completion,
    erased_in_a_give_back: None,
    rebuilt_afterwards: None,
    erased_in_a_rebuild: None,
}


def play_to_the_end(cluster: Cluster, history: History) -> None:
    """Play a history, and look for the id in every store once all work is done."""
    play(cluster, history, QUANTITY)
    if left := stores_with_ann(cluster):
        message = f"PRIVACY: the id of a user who was erased is in {left}"
        raise Violation(message)


def stores_with_ann(cluster: Cluster) -> list[str]:
    [campaign] = cluster.campaigns
    holders, *_ = cluster.redis.look(campaign.id)
    tables = "SELECT 'MySQL' FROM coupon WHERE user_id = 'ann' UNION SELECT 'failed_event'"
    found = cluster.rows(f"{tables} FROM failed_event WHERE user_id = 'ann'")
    return [name for (name,) in found] + (["Redis"] if b"ann" in holders else [])


@pytest.mark.parametrize("history", GUARDS, ids=lambda history: history.__name__)
def test_who_was_erased_stays_erased_and_every_promise_is_kept(
    judged_cluster: Cluster, history: History
) -> None:
    play_to_the_end(judged_cluster, history)


@pytest.mark.parametrize(
    "history",
    [history for history, guard in GUARDS.items() if guard],
    ids=lambda history: history.__name__,
)
def test_without_its_guard_an_erasure_breaks_a_promise(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    guard = GUARDS[history]
    assert guard
    guard(monkeypatch, cluster)
    with pytest.raises(Violation, match=r"(P[1234]|LAW|PRIVACY|reconcile): "):
        play_to_the_end(cluster, history)
