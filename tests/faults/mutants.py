"""Removes one guard of the service in one program, for the controls of the campaign."""

from __future__ import annotations

import hashlib
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from handlers import rebuild
from handlers.adapters.kafka import partitioner
from handlers.adapters.mysql import ledger
from handlers.adapters.redis.admissions import ADMIT, Admissions
from local.poll_runner.loop import PollRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.poll_runner.batch import Batch
    from local.poll_runner.protocol import Consumer

VARIABLE = "SEONCHAK_FAULTS_WITHOUT"
PENDING_GUARD = "redis.call('ZADD', KEYS[5], now_ms, ARGV[1])"
QUANTITY_GUARD = " AND r.serial BETWEEN 1 AND c.quantity"


def _pending() -> None:
    """The script does not store the pending record of an admission that MySQL does not have yet."""
    assert PENDING_GUARD in ADMIT.source
    ADMIT.source = ADMIT.source.replace(PENDING_GUARD, "")
    ADMIT.digest = hashlib.sha1(ADMIT.source.encode(), usedforsecurity=False).hexdigest()


def _commit_order() -> None:
    """Offsets are committed before the database transaction, not after it."""
    vars(partitioner)["RUN"] = 1  # each poller gets its share of a few records
    invoke = PollRunner._invoke

    def hasty(self: PollRunner, consumer: Consumer, batch: Batch) -> None:
        for partition, offset in batch.next_offsets().items():
            self._done.note(partition, offset)
        self._commit(consumer)
        invoke(self, consumer, batch)

    PollRunner._invoke = hasty  # type: ignore[method-assign]


def _quantity() -> None:
    """The INSERT allows serials above the campaign's quantity."""
    assert QUANTITY_GUARD in ledger.INSERT_COUPONS
    ledger.INSERT_COUPONS = ledger.INSERT_COUPONS.replace(QUANTITY_GUARD, "")


def _settle() -> None:
    """Redis never learns which admissions MySQL has."""
    Admissions.settle = lambda *_: None  # type: ignore[method-assign]


def _wait() -> None:
    """A rebuild does not wait for applies in flight."""

    without_sleep = SimpleNamespace(**vars(time) | {"sleep": lambda _: None})
    vars(rebuild)["time"] = without_sleep


WITHOUT: dict[str, Callable[[], None]] = {
    "pending": _pending,
    "commit-order": _commit_order,
    "quantity": _quantity,
    "settle": _settle,
    "wait": _wait,
}
