"""The histories that the fence is for, step by step; drawn ones meet them too rarely to rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import mutants as without
from tests.simulation.actors import Fate
from tests.simulation.faults import EMPTIED
from tests.simulation.machine import Protocol, Violation
from tests.simulation.plans import Program, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.cluster import Cluster

    TakeAway = Callable[[pytest.MonkeyPatch, Cluster], None]
    History = Callable[[Protocol], None]

SLOW, NEXT = (Run(Program.APPLY, user, 0) for user in ("cho", "ann"))
CONSUMER = Run(Program.CONSUMER, "", 0)


def row(machine: Protocol) -> None:
    """Kafka is silent; apply writes the row itself, after a rebuild has read MySQL."""
    _overtaken(machine, Fate.LATE, arrives=False)


def ack(machine: Protocol) -> None:
    """Apply sends its record after a rebuild has read the topic, and Kafka acknowledges."""
    _overtaken(machine, None, arrives=False)


def late_record(machine: Protocol) -> None:
    """Apply has given up, and its record arrives after a rebuild has read the topic."""
    _overtaken(machine, Fate.LATE, arrives=True)


def _overtaken(machine: Protocol, fate: Fate | None, *, arrives: bool) -> None:
    machine.is_overtaken(
        SLOW,
        1,
        fate,
        EMPTIED,
        rebuilt=True,
        arrives=arrives,
        between=[NEXT],
        others=[CONSUMER],
    )


GUARDS = {row: without.fence, ack: without.confirmation, late_record: without.lateness}
NAMES = [history.__name__ for history in GUARDS]


def play(cluster: Cluster, history: History) -> None:
    """Play one history on a campaign of one coupon, and check the promises at its end."""
    machine: Protocol = type("Protocol", (Protocol,), {"cluster": cluster})()
    cluster.begin([1])
    machine.started = machine.graceful = True
    history(machine)
    machine.nothing_is_broken()
    machine.teardown()


@pytest.mark.parametrize("history", GUARDS, ids=NAMES)
def test_of_two_users_with_one_serial_one_is_accepted_and_has_the_coupon(
    cluster: Cluster, history: History
) -> None:
    play(cluster, history)
    assert len(cluster.rows("SELECT 1 FROM coupon")) == 1


@pytest.mark.parametrize(("history", "take_away"), GUARDS.items(), ids=NAMES)
def test_without_the_guard_both_are_accepted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, history: History, take_away: TakeAway
) -> None:
    take_away(monkeypatch, cluster)
    with pytest.raises(Violation, match=r"P[34]: "):
        play(cluster, history)
