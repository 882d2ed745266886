"""The tap follows every process of Redis, and knows which one decides."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from local.servers.valkey_group import ask, is_synchronized
from tests.faults.acceptor.events import Emptied, RedisOrder, Snapshot
from tests.faults.taps.redis_tap import RedisTap, TappedValkey
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

CAMPAIGN = "c"


@contextmanager
def tapped() -> Iterator[tuple[RedisTap, TappedValkey]]:
    tap = RedisTap()
    with TappedValkey(tap, {"repl-diskless-sync-delay": "0"}) as server:
        tap.watch([CAMPAIGN])
        try:
            yield tap, server
        finally:
            tap.close()


def kinds(order: RedisOrder) -> list[type]:
    return [type(event) for event in order.events]


def test_a_process_that_is_killed_and_its_successor_have_an_order_each() -> None:
    with tapped() as (tap, server):
        ask(server, "FLUSHALL")
        server.kill()
        server.start()
        [[killed, alive]] = tap.cut()
    assert kinds(killed) == [Snapshot, Emptied]
    assert kinds(alive) == [Snapshot, Snapshot]
    assert killed.died_s is not None
    assert alive.died_s is None
    histories = {e.history for o in (killed, alive) for e in o.events if isinstance(e, Snapshot)}
    assert len(histories) == 2
    assert tap.gaps == []


def test_a_process_that_runs_is_followed_once_however_often_it_is_started() -> None:
    with tapped() as (tap, server):
        server.start()
        [orders] = tap.cut()
        assert len(orders) == 1


@pytest.mark.parametrize("watched_again", [False, True])
def test_a_follower_is_judged_only_once_it_is_promoted(*, watched_again: bool) -> None:
    with tapped() as (tap, server), TappedValkey(tap) as replica:
        ask(replica, "REPLICAOF", "127.0.0.1", server.port)
        eventually(lambda: is_synchronized(replica), "the replica follows")
        for _ in range(1 + watched_again):
            tap.watch([CAMPAIGN])
        [before] = tap.cut()
        ask(replica, "REPLICAOF", "NO", "ONE")
        tap.promoted(replica)
        [[_, promoted]] = tap.cut()
    assert [(kinds(each), each.is_primary) for each in before] == [
        ([Snapshot, Snapshot], True),
        ([], False),
    ]
    assert kinds(promoted) == [Snapshot, Snapshot]
    assert promoted.is_primary
