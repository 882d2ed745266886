"""Removes one guard of the protocol, for controls that show that the machine would notice."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.mysql import ledger
from handlers.adapters.redis.admissions import ADMIT, Admissions
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events import kafka as kafka_event
from tests.simulation.consumer import Consumer
from tests.simulation.ledger import DirectWriters, Ledger
from tests.support.mutated import change
from tests.support.unique_keys import without_unique_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from pymysql.cursors import Cursor

    from handlers.adapters.redis.scripts import Script
    from handlers.domain.record import DecodedRecord
    from tests.simulation.cluster import Cluster

FORGER = "forger"


def _cut(
    patch: pytest.MonkeyPatch, cluster: Cluster, script: Script, guard: str, instead: str = ""
) -> None:
    """Replace a part of a script; Redis then has a different script."""
    change(patch, script, guard, instead)
    cluster.redis.load(script.source)


def pending(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The script does not store the pending record of an admission that MySQL does not have yet."""
    _cut(patch, cluster, ADMIT, "redis.call('ZADD', KEYS[5], now_ms, user)")


def quantity(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The INSERT allows serials above the campaign's quantity."""
    guard = " AND r.serial BETWEEN 1 AND c.last_serial"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, ""))


def order(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The consumer commits its offsets and settles first, and writes last.

    Both together, because offsets and pending record back each other up.
    """

    def write_last(self: Consumer, limit: int) -> None:
        batch = self.poll(limit)
        self.commit(batch, {})
        event = self.event(batch)
        wiring.admissions().settle(
            [
                Settlement(c.campaign_id, c.user_id, c.serial, SettledAs.COUPON)
                for c in (one.coupon for one in kafka_event.decode(event)[0])
                if c.user_id != FORGER  # a forged record is not an admission; found at once
            ]
        )
        self.write(event)

    patch.setattr(Consumer, "run", write_last)


def settle(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Redis never learns which admissions MySQL has."""
    patch.setattr(Admissions, "settle", lambda *_: None)


def confirmation(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Kafka's ack is enough, also where a rebuild has begun since the admission."""
    patch.setattr(Admissions, "confirm_all", lambda _, admitted, __: [True] * len(admitted))


def fence(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A row that apply writes counts also where a rebuild has begun since the admission."""
    guard = " OR r.fence = c.fence"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, " OR TRUE"))


def lock(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A row that apply writes does not lock its campaign: the fence may be raised meanwhile."""
    guard = "LOCK IN SHARE MODE"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, ""))


def lateness(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The consumer writes records that a rebuild has missed."""
    patch.setattr(ledger, "is_late", lambda *_: False)


def durable(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Without Kafka's ack and without a row the client receives ACCEPTED all the same."""
    patch.setattr(DirectWriters, "write_all", lambda _, admitted: [True] * len(admitted))


def rejection(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The redrive takes a value that MySQL refuses for an error of its own."""

    def unguarded(
        self: Ledger, cursor: Cursor, one: DecodedRecord, *, direct: bool = False
    ) -> ledger.Refusal | None:
        return self.insert(cursor, [one], direct=direct).get(one)

    patch.setattr(Ledger, "insert_one", unguarded)


@contextmanager
def unique_keys(cluster: Cluster) -> Iterator[None]:
    """MySQL allows duplicates, while the block lasts."""
    with without_unique_keys(cluster.rows):
        try:
            yield
        finally:
            cluster.stage.kill_all()
