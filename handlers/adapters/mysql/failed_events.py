"""The redrive's side of failed_event: takes, writes again and updates rows in one transaction."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.failed_event_row import DETAIL_LENGTH_MAX, KEPT
from handlers.domain.coupon import CouponAccepted, UndecodableError
from handlers.domain.errors import ServiceError
from handlers.domain.fence import Position, Unwritten
from handlers.domain.record import DecodedRecord, FailedEvent, FailedStatus, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.ledger import Ledger

SELECT_DUE = query("select_due_failed_events")
UPDATE = query("update_failed_event")
SELECT_IDS = query("select_failed_event_ids_page")
SELECT_OPEN = query("select_open_failed_events")
REQUEUE_DEAD = query("requeue_dead_failed_events")

# Doubled with every attempt, so that eight of them take over an hour: long enough for the operator
# to fix a cause, and bounded, so that a row never waits for days.
BACKOFF_S = 30
BACKOFF_S_MAX = 3600
# A reassigned serial may be taken, too, where Redis is behind MySQL; each try uses the next one.
REASSIGNMENTS_MAX = 20
NOT_ACCEPTED = "it came to Kafka after a rebuild had read the topic: the user was not accepted"
GONE = "it was written before, and its user does not have the coupon any more"


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """The result of one batch. The next one begins after last_id; None: nothing was due.

    coupons: as the records name them, each with the new status of its row.
    """

    last_id: int | None
    resolved: int
    retried: int
    dead: tuple[int, ...]
    settlements: tuple[Settlement, ...]
    coupons: tuple[tuple[CouponAccepted, FailedStatus], ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """coupon is None when the record cannot be decoded; flaw says why. kept: of the detail."""

    id: int
    attempts: int
    record: Record
    coupon: CouponAccepted | None
    kept: str
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """failure is None when nothing is left to do; coupon is the one that was written."""

    failure: FailedEvent | None
    coupon: CouponAccepted | None = None
    detail: str = "written"


class FailedEventQueue:
    """Takes failed events and writes them again as the ledger does."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        reassign: Callable[[CouponAccepted], CouponAccepted | None],
        attempts_max: int,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._reassign = reassign
        self._attempts_max = attempts_max

    def redrive(self, status: FailedStatus, *, now: bool, after: int, limit: int) -> RedriveResult:
        """Write again up to `limit` rows of `status` with an id above `after`.

        now: also those that are not due yet. Rows that another run works on are skipped.
        """

        def work(cursor: Cursor) -> RedriveResult:
            filters = {"status": status, "now": int(now), "after": after, "limit": limit}
            cursor.execute(SELECT_DUE, filters)
            rows = [_row(columns) for columns in cursor.fetchall()]
            # The order in which consumers lock the same coupons; of two with one serial, by id.
            in_order = sorted(rows, key=_write_order)
            outcomes = [(row, self._write(cursor, row)) for row in in_order]
            statuses = [
                (row, self._update_status(cursor, row, outcome)) for row, outcome in outcomes
            ]
            written = [outcome.coupon for _, outcome in outcomes if outcome.coupon]
            return RedriveResult(
                last_id=rows[-1].id if rows else None,
                resolved=sum(new is FailedStatus.RESOLVED for _, new in statuses),
                retried=sum(new is FailedStatus.PENDING for _, new in statuses),
                dead=tuple(sorted(row.id for row, new in statuses if new is FailedStatus.DEAD)),
                settlements=tuple(
                    Settlement(c.campaign_id, c.user_id, c.serial, SettledAs.COUPON)
                    for c in written
                ),
                coupons=tuple((row.coupon, new) for row, new in statuses if row.coupon),
            )

        return self._database.run(work)

    def unresolved(self, campaign_id: str, limit: int) -> Iterator[list[Unwritten]]:
        """Yield the records that wait in failed_event or were given up, by id, in pages.

        A page has at most `limit` of them, and may have none. Each waits for a running redrive:
        what it resolves is in the coupon table by then.
        """
        after: int | None = 0
        while after is not None:
            page, after = self.unresolved_page(campaign_id, after, limit)
            yield page

    def unresolved_page(
        self, campaign_id: str, after: int, limit: int
    ) -> tuple[list[Unwritten], int | None]:
        """Return what is unresolved of `limit` rows above the id `after`, and the last row's id.

        The id is None when these are the last rows.
        """

        def work(cursor: Cursor) -> tuple[list[Unwritten], int | None]:
            page = {"campaign_id": campaign_id, "after": after, "limit": limit}
            cursor.execute(SELECT_IDS, page)
            ids = [row_id for (row_id,) in cursor.fetchall()]
            if not ids:
                return [], None
            cursor.execute(SELECT_OPEN, {"ids": ids})
            found = [Unwritten(payload, Position(*at)) for payload, *at in cursor.fetchall()]
            return found, ids[-1] if len(ids) == limit else None

        return self._database.run(work)

    def requeue_dead(self, campaign_id: str) -> int:
        """Requeue the events that were given up because no serial was left; return how many."""
        values = {"campaign_id": campaign_id}
        return self._database.run(lambda cursor: cursor.execute(REQUEUE_DEAD, values))

    def _write(self, cursor: Cursor, row: _Row) -> _Outcome:
        record, coupon = row.record, row.coupon
        if coupon is None:
            return _Outcome(FailedEvent(record, Reason.UNDECODABLE, row.flaw))
        taken: FailedEvent | None = None
        for _ in range(REASSIGNMENTS_MAX):
            # A serial that Redis has just given is not from Kafka: it counts in that history only.
            failure = self._ledger.insert_one(
                cursor, DecodedRecord(coupon, lambda: record), direct=taken is not None
            )
            if not isinstance(failure, FailedEvent):
                return _Outcome(None, detail=GONE) if failure else _Outcome(None, coupon)
            if failure.reason is Reason.USER_HAS_OTHER_SERIAL:
                return _Outcome(None, detail="the user has a coupon, and gets only one")
            if failure.reason is Reason.SUPERSEDED and taken is None:
                return _Outcome(None, detail=NOT_ACCEPTED)
            another = self._with_another_serial(failure, coupon, taken)
            if isinstance(another, FailedEvent):
                return _Outcome(another)
            taken, coupon = failure, another
        return _Outcome(taken)

    def _with_another_serial(
        self, failure: FailedEvent, coupon: CouponAccepted, taken: FailedEvent | None
    ) -> CouponAccepted | FailedEvent:
        """Return the coupon with a serial to try next, or the failure when there is none.

        taken: why the serial before was refused; None: this one is the record's own.
        """
        if failure.reason is Reason.SUPERSEDED and taken:
            # Not the record, only its new serial; and a rebuild requeues what is SERIAL_TAKEN.
            detail = f"{taken.detail}; serial {coupon.serial} is {failure.detail}"
            return replace(taken, detail=detail)
        if failure.reason is not Reason.SERIAL_TAKEN:
            return failure
        try:
            reassigned = self._reassign(coupon)
        except ServiceError as error:
            return replace(failure, detail=f"{failure.detail}; {error}")
        return reassigned or replace(failure, detail=f"{failure.detail}; no serial is left")

    def _update_status(self, cursor: Cursor, row: _Row, outcome: _Outcome) -> FailedStatus:
        attempts = row.attempts + 1
        if outcome.failure is None:
            status = FailedStatus.RESOLVED
            reason, detail = None, outcome.detail
        else:
            dead = attempts >= self._attempts_max
            status = FailedStatus.DEAD if dead else FailedStatus.PENDING
            reason, detail = outcome.failure.reason, outcome.failure.detail
        values = {
            "id": row.id,
            "status": status,
            "reason": reason,
            "detail": f"{row.kept}{detail}"[:DETAIL_LENGTH_MAX],
            "wait_s": _backoff_s(attempts),
        }
        cursor.execute(UPDATE, values)
        return status


def _row(columns: tuple[Any, ...]) -> _Row:
    row_id, topic, partition, offset, payload, attempts, detail = columns
    found = KEPT.match(detail)
    kept = found[0] if found else ""
    record = Record(topic, partition, offset, 0, None, payload)
    try:
        return _Row(row_id, attempts, record, CouponAccepted.decode(payload), kept)
    except UndecodableError as error:
        return _Row(row_id, attempts, record, None, kept, str(error))


def _write_order(row: _Row) -> tuple[str, int]:
    return (row.coupon.campaign_id, row.coupon.serial) if row.coupon else ("", 0)


def _backoff_s(attempts: int) -> float:
    """Return the time to the next attempt: exponential, half of it random."""
    longest: int = min(BACKOFF_S_MAX, BACKOFF_S << min(attempts, 30))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter
