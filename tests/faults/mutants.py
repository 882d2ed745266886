"""Removes one guard of the service in one program, for the controls of the campaign."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from handlers import coupon_clients
from handlers.adapters.mysql import coupon_states, ledger
from handlers.adapters.mysql.coupon_rows import SELECT_COUPON_OF_USER, select_coupon
from handlers.adapters.mysql.returned_places import READ_PLACES, ReturnedPlaces
from handlers.adapters.redis import admissions, campaigns, rebuild, reconciliation, scripts
from handlers.adapters.redis.admissions import ADMIT, CONFIRM, Admissions
from handlers.adapters.redis.scripts import Script
from handlers.adapters.redis.settling import SETTLE
from handlers.domain.returned_places import Returns
from local.poll_runner.loop import PollRunner
from tests.faults.points import FOLDER, Points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.returned_places import Ended
    from handlers.domain.admission import Admission, Applicant
    from handlers.domain.errors import UnavailableError
    from local.poll_runner.batch import Batch
    from local.poll_runner.protocol import Consumer

VARIABLE = "SEONCHAK_FAULTS_WITHOUT"
UNWRITTEN = "unwritten"
COUPON = b'"serial"'
PENDING_GUARD = "redis.call('ZADD', KEYS[5], now_ms, user)"
QUANTITY_GUARD = " AND r.serial BETWEEN 1 AND c.last_serial"
REPLICAS_GUARD = "\nrequire_replicas(KEYS[1])"
HISTORY = "master_replid:"
FENCE_GUARD = " OR r.fence = c.fence"
STATE_GUARD = (
    "\n  AND state = %(was_state)s AND order_id <=> %(was_order_id)s"
    "\n  AND reserved_until <=> %(was_reserved_until)s AND given_back = 0"
)
GIVEN_BACK_GUARD = (
    "issued and (as_given or not redis.call('ZSCORE', KEYS[2], ' ' .. ARGV[3 + n + i]))"
)
NEXT_SERIAL = "return next_serial(KEYS[2], count, limit)"
STOCK = """
  local stock = KEYS[1] .. ':stock:PROCESS'
  if redis.call('LLEN', stock) == 0 then
    for n = count + 1, math.min(count + 10, limit) do
      redis.call('RPUSH', stock, n)
      redis.call('SET', KEYS[3], n)
      count = n
    end
  end
  has_returned = true  -- the count is stored already
  return tonumber(redis.call('LPOP', stock))
"""


def _pending() -> None:
    """The script does not store the pending record of an admission that MySQL does not have yet."""
    assert PENDING_GUARD in ADMIT.source
    _replace(ADMIT, ADMIT.source.replace(PENDING_GUARD, ""))


def _commit_order() -> None:
    """Offsets are committed before the database transaction, not after it.

    At the point UNWRITTEN Kafka has taken the offsets of coupons that MySQL does not have.
    """
    invoke = PollRunner._invoke
    points = Points("poller", Path(os.environ[FOLDER]))

    def hasty(self: PollRunner, consumer: Consumer, batch: Batch) -> None:
        for partition, offset in batch.next_offsets().items():
            self._done.note(partition, offset)
        self._commit(consumer)
        # What a rebalance refuses stays in _done; the last records of a history are no coupons.
        coupons = (COUPON in (one.value or b"") for each in batch.records.values() for one in each)
        if not self._done._offsets and any(coupons):
            points.reached(UNWRITTEN)
        invoke(self, consumer, batch)

    PollRunner._invoke = hasty  # type: ignore[method-assign]


def _quantity() -> None:
    """The INSERT allows serials above the campaign's quantity."""
    assert QUANTITY_GUARD in ledger.INSERT_COUPONS
    ledger.INSERT_COUPONS = ledger.INSERT_COUPONS.replace(QUANTITY_GUARD, "")


def _settle() -> None:
    """Redis never learns which admissions MySQL has."""
    Admissions.settle = lambda *_: None  # type: ignore[method-assign]


def _confirmation() -> None:
    """Kafka's ack is enough, also where a rebuild has begun since the admission."""
    setattr(Admissions, "confirm_all", lambda _, admitted, __: [True] * len(admitted))  # noqa: B010


def _replicas() -> None:
    """A primary without replicas confirms admissions, although it takes none."""
    assert REPLICAS_GUARD in CONFIRM.source
    _replace(CONFIRM, CONFIRM.source.replace(REPLICAS_GUARD, ""))


def _fence() -> None:
    """A row that apply writes counts also where a rebuild has begun since the admission."""
    assert FENCE_GUARD in ledger.INSERT_COUPONS
    ledger.INSERT_COUPONS = ledger.INSERT_COUPONS.replace(FENCE_GUARD, " OR TRUE")


def _history() -> None:
    """A campaign is current on the server that opened it, whatever that has forgotten since."""
    for module in (admissions, campaigns, rebuild, reconciliation, scripts):
        for script in vars(module).values():
            if isinstance(script, Script):
                source = script.source.replace("'INFO', 'replication'", "'INFO'")
                _replace(script, source.replace(HISTORY, "run_id:"))
    assert "run_id:" in ADMIT.source


def _lateness() -> None:
    """The consumer writes records that a rebuild has missed."""
    vars(ledger)["is_late"] = lambda *_: False


def _state() -> None:
    """A coupon's change is written over any state that it has by now."""
    assert STATE_GUARD in coupon_states.UPDATE_COUPON_STATE
    coupon_states.UPDATE_COUPON_STATE = coupon_states.UPDATE_COUPON_STATE.replace(STATE_GUARD, "")


def _mysql_first() -> None:
    """Redis gives a place again before MySQL has returned it."""
    give_back = ReturnedPlaces.give_back

    def hasty(self: ReturnedPlaces, campaign_id: str, user_id: str) -> Ended | None:
        ids = {"campaign_id": campaign_id, "user_id": user_id}
        read = self._database.run
        coupon = read(lambda cursor: select_coupon(cursor, SELECT_COUPON_OF_USER, ids))
        if coupon and not coupon.given_back:
            [(places,)] = read(lambda cursor: _rows(cursor, READ_PLACES, ids))
            early = Returns(campaign_id, places, [(coupon.serial, user_id)])
            coupon_clients.places_in_redis().apply_returns(early, waited=False)
        return give_back(self, campaign_id, user_id)

    ReturnedPlaces.give_back = hasty  # type: ignore[method-assign]


def _rows(cursor: Cursor, statement: str, values: Mapping[str, object]) -> list[tuple[int]]:
    cursor.execute(statement, values)
    return list(cursor.fetchall())


def _late_settle() -> None:
    """A settlement counts also where the user has given its coupon back meanwhile."""
    assert GIVEN_BACK_GUARD in SETTLE.source
    _replace(SETTLE, SETTLE.source.replace(GIVEN_BACK_GUARD, "issued"))


def _one_queue() -> None:
    """Each process of the gateway takes ten serials at once, and gives them out by itself."""
    assert NEXT_SERIAL in ADMIT.source
    script, process = ADMIT.source, 0
    admit_all = Admissions.admit_all

    def from_stock(
        self: Admissions, applicants: Sequence[Applicant]
    ) -> list[Admission | UnavailableError]:
        nonlocal process
        if process != os.getpid():  # the workers are forked, each with its own stock
            process = os.getpid()
            _replace(ADMIT, script.replace(NEXT_SERIAL, STOCK.replace("PROCESS", str(process))))
        return admit_all(self, applicants)

    Admissions.admit_all = from_stock  # type: ignore[method-assign]


def _replace(script: Script, source: str) -> None:
    script.source = source
    script.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


WITHOUT: dict[str, Callable[[], None]] = {
    "pending": _pending,
    "commit-order": _commit_order,
    "quantity": _quantity,
    "settle": _settle,
    "confirmation": _confirmation,
    "replicas": _replicas,
    "fence": _fence,
    "history": _history,
    "lateness": _lateness,
    "one-queue": _one_queue,
    "state": _state,
    "mysql-first": _mysql_first,
    "late-settle": _late_settle,
}
