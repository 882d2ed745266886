"""Takes one guard of the protocol away, for the controls that show that the machine would notice."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from handlers.adapters import ledger
from handlers.adapters.admission import ADMIT, Admissions
from handlers.adapters.restoration import REOPEN, RESTORE, Restoration
from handlers.domain.settlement import Holder, Settlement
from handlers.edge import kafka_event
from tests.simulation.clock import Clock
from tests.simulation.kafka import Log
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from handlers.adapters.scripts import Script

UNIQUE = {
    "coupon_one_per_person": "(campaign_id, user_id)",
    "coupon_serial_once": "(campaign_id, serial)",
    "coupon_code_once": "(code)",
}


def _cut(
    patch: pytest.MonkeyPatch, world: World, script: Script, guard: str, instead: str = ""
) -> None:
    """Replace a part of a script, which then is another one to Redis."""
    assert guard in script.source
    source = script.source.replace(guard, instead)
    patch.setattr(script, "source", source)
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    patch.setattr(script, "digest", digest)
    world.redis.load(source)


def pending(patch: pytest.MonkeyPatch, world: World) -> None:
    """The script does not remember who was admitted and is not yet in MySQL."""
    _cut(patch, world, ADMIT, "redis.call('ZADD', KEYS[5], now_ms, ARGV[1])")


def quantity(patch: pytest.MonkeyPatch, world: World) -> None:
    """The INSERT lets through serials above the campaign's quantity."""
    guard = " AND r.serial BETWEEN 1 AND c.quantity"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, ""))


def order(patch: pytest.MonkeyPatch, world: World) -> None:
    """The consumer settles and commits its offsets first, and writes last."""
    consume = World.consume

    def write_last(self: World, limit: int) -> None:
        found = [list(self.log.unread(n, limit)) for n in range(len(self.log.partitions))]
        records = {
            str(n): [self._raw(n, offset, value) for offset, value in batch]
            for n, batch in enumerate(found)
        }
        accepted, _ = kafka_event.decode({"eventSource": "aws:kafka", "records": records})
        coupons = [one.coupon for one in accepted]
        settle(
            Admissions(self.scripts),
            [Settlement(c.campaign_id, c.user_id, c.serial, Holder.ISSUED) for c in coupons],
        )
        before = list(self.log.committed)
        ends = {n: batch[-1][0] + 1 for n, batch in enumerate(found) if batch}
        self.log.commit(self.log.join(), ends)
        self.stage.pause("write")
        self.log.committed = before
        consume(self, limit)

    settle = Admissions.settle
    patch.setattr(World, "consume", write_last)


def settle(patch: pytest.MonkeyPatch, world: World) -> None:
    """Redis is never told what stands in MySQL."""
    patch.setattr(Admissions, "settle", lambda *_: None)


def wait(patch: pytest.MonkeyPatch, world: World) -> None:
    """A rebuild does not wait for those who were admitted before it."""
    patch.setattr(Clock, "sleep", lambda *_: None)


def token(patch: pytest.MonkeyPatch, world: World) -> None:
    """A rebuild does not notice that Redis lost everything again while it was at work."""
    _cut(patch, world, RESTORE, "redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[1]", "false")
    _cut(patch, world, REOPEN, " or redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[3]")
    patch.setattr(Restoration, "release_gaps", _release_gaps_of_anybody)


def durable(patch: pytest.MonkeyPatch, world: World) -> None:
    """Without an ack of Kafka's the client is told ACCEPTED all the same."""
    patch.setattr(Admissions, "make_durable", lambda *_: True)


def _release_gaps_of_anybody(*_: Any) -> int:
    return 0


@contextmanager
def unique_keys(world: World) -> Iterator[None]:
    """MySQL lets through what is there already, while the block lasts."""
    # The foreign key needs an index of its own then.
    world.rows("ALTER TABLE coupon ADD INDEX control (campaign_id)")
    for key in UNIQUE:
        world.rows(f"ALTER TABLE coupon DROP INDEX {key}")
    try:
        yield
    finally:
        world.stage.kill_all()
        world.rows("DELETE FROM coupon")
        for key, columns in UNIQUE.items():
            world.rows(f"ALTER TABLE coupon ADD CONSTRAINT {key} UNIQUE {columns}")
        world.rows("ALTER TABLE coupon DROP INDEX control")
