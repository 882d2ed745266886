"""The histories that the guards of returned places and of changes are for, step by step.

Drawn ones meet them too rarely to rely on. Each has its control: without the guard it breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers.domain.record import FailedStatus
from tests.simulation import mutants as without
from tests.simulation.faults import EMPTIED
from tests.simulation.machine import TO_THE_END, Protocol, Violation
from tests.simulation.plans import Plan, Program, Run, Then

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.actors import Actor
    from tests.simulation.cluster import Cluster

    TakeAway = Callable[[pytest.MonkeyPatch, Cluster], None]
    History = Callable[[Protocol], None]

ANN, BOB, CHO, DAN = (Run(Program.APPLY, user, 0) for user in ("ann", "bob", "cho", "dan"))
CONSUMER = Run(Program.CONSUMER, "", 0)
REBUILD = Run(Program.REBUILD, "", 0)
GIVES_BACK = Run(Program.GIVE_BACK, "ann", 0)
REVOKED = Run(Program.REVOKE, "ann", 0)
LOWERED = Run(Program.CHANGE, "", 0)
RESUMED, PAUSED = (Run(Program.PAUSE, "", 0, number) for number in range(2))
USED, USED_TOO = (Run(Program.REDEEM, "ann", 0, number) for number in range(2))
AT_ONCE = Plan(0, None, Then.PAUSES)
STEPS_MAX = 50


def paused_at(machine: Protocol, run: Run, *points: str) -> Actor:
    """Start a program, and let it run until it is about to make the last of these calls."""
    actor = machine.play(run, AT_ONCE)
    assert actor
    for left, point in zip(range(len(points), 0, -1), points, strict=True):
        for _ in range(STEPS_MAX):
            if actor.point == point:
                break
            machine.follow(actor, Plan(1, None, Then.PAUSES))
        assert actor.point == point, actor.point
        if left > 1:
            machine.follow(actor, Plan(1, None, Then.PAUSES))
    return actor


def all_of(machine: Protocol, *runs: Run) -> None:
    for run in runs:
        machine.play(run, TO_THE_END)


def settled_late(machine: Protocol) -> None:
    """The row is settled after its user gave the coupon back and got another one."""
    all_of(machine, ANN)
    settling = paused_at(machine, CONSUMER, "commit", "redis")
    all_of(machine, GIVES_BACK, ANN)
    machine.follow(settling, TO_THE_END)
    all_of(machine, ANN)


def settled_in_a_rebuild(machine: Protocol) -> None:
    """… while a rebuild has read the topic, and not yet MySQL."""
    all_of(machine, ANN)
    settling = paused_at(machine, CONSUMER, "commit", "redis")
    all_of(machine, GIVES_BACK, ANN)
    machine.inject_redis(EMPTIED)
    rebuilding = paused_at(machine, REBUILD, "read topic", "read topic", "redis", "mysql")
    machine.follow(settling, TO_THE_END)
    machine.follow(rebuilding, TO_THE_END)
    all_of(machine, BOB, CONSUMER, BOB)


def returned_in_a_rebuild(machine: Protocol) -> None:
    """A place is returned and given after a rebuild has read the campaign, before it closes it."""
    all_of(machine, ANN, CONSUMER)
    machine.inject_redis("restarts")
    # It has found the campaign closed; another rebuild opens it; then it raises the fence.
    closing = paused_at(machine, REBUILD, "mysql", "redis", "mysql", "redis", "mysql")
    all_of(machine, REBUILD)
    before = fence(machine)
    machine.follow(closing, Plan(3, None, Then.PAUSES))
    assert (fence(machine), closing.point) == (before + 1, "redis")
    all_of(machine, GIVES_BACK, BOB)
    machine.inject_redis(EMPTIED)
    machine.follow(closing, TO_THE_END)
    all_of(machine, REBUILD, REBUILD, CHO, CONSUMER)


def fence(machine: Protocol) -> int:
    [(number,)] = machine.cluster.rows("SELECT fence FROM campaign")
    return int(number)


def revoked_and_given_back(machine: Protocol) -> None:
    """An administrator revokes a coupon that its user gives back: both have read it as usable."""
    all_of(machine, ANN, CONSUMER)
    giving = paused_at(machine, GIVES_BACK, "change", "change")
    all_of(machine, REVOKED)
    machine.follow(giving, TO_THE_END)


def used_by_two(machine: Protocol) -> None:
    """Two orders have read the coupon as usable."""
    all_of(machine, ANN, CONSUMER)
    slow = paused_at(machine, USED, "change")
    all_of(machine, USED_TOO)
    machine.follow(slow, TO_THE_END)


def lowered_in_a_rebuild(machine: Protocol) -> None:
    """Redis loses a change, and a rebuild reads the campaign before MySQL makes it."""
    slow = paused_at(machine, LOWERED, "redis", "mysql")
    machine.inject_redis(EMPTIED)
    all_of(machine, REBUILD, ANN, BOB)
    machine.follow(slow, TO_THE_END)
    all_of(machine, CONSUMER)


def lowered_before_mysql_has_it(machine: Protocol) -> None:
    """Users apply while a lower quantity is in Redis, and MySQL still has the old one."""
    slow = paused_at(machine, LOWERED, "redis", "mysql")
    all_of(machine, ANN, BOB)
    machine.follow(slow, TO_THE_END)
    all_of(machine, CONSUMER)


def paused_and_rebuilt(machine: Protocol) -> None:
    """A pause is answered, Redis loses it and is rebuilt; then the campaign goes on."""
    all_of(machine, PAUSED, ANN)
    machine.inject_redis(EMPTIED)
    all_of(machine, REBUILD, ANN, RESUMED)
    machine.pass_time(2.5)
    all_of(machine, ANN, CONSUMER)
    [(rows,)] = machine.cluster.rows("SELECT COUNT(*) FROM coupon")
    assert rows == 1


def given_back_and_killed(machine: Protocol) -> None:
    """The call is killed before Redis knows; the user asks again, and the scheduler goes on."""
    all_of(machine, ANN, CONSUMER)
    giving = paused_at(machine, GIVES_BACK, "commit", "redis")
    machine.cluster.stage.go(giving, None)
    all_of(machine, ANN, REBUILD, ANN, CONSUMER)


def redriven_and_given_back(machine: Protocol) -> None:
    """A record waits in failed_event; its user gets the row, and gives it back."""
    machine.cluster.ledger.refused = {"ann"}
    all_of(machine, ANN, CONSUMER)
    machine.cluster.ledger.refused = set()
    all_of(machine, Run(Program.RELAY, "", 0), CONSUMER, GIVES_BACK, ANN)
    machine.cluster.redrive(FailedStatus.PENDING)
    all_of(machine, CONSUMER, ANN)


GUARDS: dict[History, tuple[TakeAway, int]] = {
    settled_late: (without.holder_of_given_back, 1),
    settled_in_a_rebuild: (without.given_back_first, 1),
    returned_in_a_rebuild: (without.places_once_closed, 1),
    revoked_and_given_back: (without.state_of_given_back, 1),
    used_by_two: (without.state_of_coupon, 1),
    lowered_in_a_rebuild: (without.fence_of_change, 2),
    lowered_before_mysql_has_it: (without.narrowing, 2),
    paused_and_rebuilt: (without.pause, 1),
}
UNGUARDED: list[tuple[History, int]] = [(given_back_and_killed, 1), (redriven_and_given_back, 1)]
NAMES = [history.__name__ for history in GUARDS]


def play(cluster: Cluster, history: History, quantity: int) -> None:
    """Play one history, and check the promises at its end."""
    machine: Protocol = type("Protocol", (Protocol,), {"cluster": cluster})()
    cluster.begin([quantity])
    machine.started = machine.graceful = True
    history(machine)
    machine.nothing_is_broken()
    machine.teardown()


@pytest.mark.parametrize(
    ("history", "quantity"),
    [*((history, quantity) for history, (_, quantity) in GUARDS.items()), *UNGUARDED],
    ids=[*NAMES, *(history.__name__ for history, _ in UNGUARDED)],
)
def test_a_crossing_keeps_every_promise(
    judged_cluster: Cluster, history: History, quantity: int
) -> None:
    play(judged_cluster, history, quantity)


@pytest.mark.parametrize(
    ("history", "take_away", "quantity"),
    [(history, *guard) for history, guard in GUARDS.items()],
    ids=NAMES,
)
def test_without_its_guard_a_crossing_breaks_one(
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    history: History,
    take_away: TakeAway,
    quantity: int,
) -> None:
    take_away(monkeypatch, cluster)
    with pytest.raises(Violation, match=r"(P[134]|LAW|PAUSE): "):
        play(cluster, history, quantity)
