"""Takes one guard of the protocol away, for controls that show that the machine would notice."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.mysql import ledger
from handlers.adapters.redis.admissions import ADMIT, Admissions
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events import kafka as kafka_event
from tests.simulation.clock import Clock
from tests.simulation.consumer import Consumer
from tests.simulation.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from handlers.adapters.redis.scripts import Script
    from tests.simulation.cluster import Cluster

FORGER = "forger"
UNIQUE = {
    "coupon_one_per_person": "(campaign_id, user_id)",
    "coupon_serial_once": "(campaign_id, serial)",
    "coupon_code_once": "(code)",
}


def _cut(
    patch: pytest.MonkeyPatch, cluster: Cluster, script: Script, guard: str, instead: str = ""
) -> None:
    """Replace a part of a script, which then is another one to Redis."""
    assert guard in script.source
    source = script.source.replace(guard, instead)
    patch.setattr(script, "source", source)
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    patch.setattr(script, "digest", digest)
    cluster.redis.load(source)


def pending(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The script does not remember who was admitted and is not yet in MySQL."""
    _cut(patch, cluster, ADMIT, "redis.call('ZADD', KEYS[5], now_ms, ARGV[1])")


def quantity(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The INSERT lets through serials above the campaign's quantity."""
    guard = " AND r.serial BETWEEN 1 AND c.quantity"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, ""))


def order(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The consumer commits its offsets and settles first, and writes last.

    Both together: of offsets and pending record each makes up for the other.
    """

    def write_last(self: Consumer, limit: int) -> None:
        batch = self.poll(limit)
        self.commit(batch, {})
        event = self.event(batch)
        wiring.admissions().settle(
            [
                Settlement(c.campaign_id, c.user_id, c.serial, SettledAs.COUPON)
                for c in (one.coupon for one in kafka_event.decode(event)[0])
                if c.user_id != FORGER  # what it holds is no admission, and would be found at once
            ]
        )
        self.write(event)

    patch.setattr(Consumer, "run", write_last)


def settle(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Redis is never told what stands in MySQL."""
    patch.setattr(Admissions, "settle", lambda *_: None)


def wait(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A rebuild does not wait for those who were admitted before it."""
    patch.setattr(Clock, "sleep", lambda *_: None)


def durable(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Without an ack of Kafka's the client is told ACCEPTED all the same."""
    patch.setattr(Admissions, "make_all_durable", lambda _, admitted: [True] * len(admitted))


def rejection(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The redrive takes a value that MySQL refuses for an error of its own."""
    patch.setattr(
        Ledger, "insert_one", lambda self, cursor, one: self.insert(cursor, [one]).get(one)
    )


@contextmanager
def unique_keys(cluster: Cluster) -> Iterator[None]:
    """MySQL lets through what is there already, while the block lasts."""
    # The foreign key needs an index of its own then.
    cluster.rows("ALTER TABLE coupon ADD INDEX control (campaign_id)")
    for key in UNIQUE:
        cluster.rows(f"ALTER TABLE coupon DROP INDEX {key}")
    try:
        yield
    finally:
        cluster.stage.kill_all()
        cluster.rows("DELETE FROM coupon")
        for key, columns in UNIQUE.items():
            cluster.rows(f"ALTER TABLE coupon ADD CONSTRAINT {key} UNIQUE {columns}")
        cluster.rows("ALTER TABLE coupon DROP INDEX control")
