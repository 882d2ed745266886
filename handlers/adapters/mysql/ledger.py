"""The ledger: writes accepted coupons, and dead-letters records that could not be written."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING

import pymysql

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.fences import select_offsets
from handlers.domain import times
from handlers.domain.campaign import QUANTITY_MAX
from handlers.domain.coupon_codes import CouponCodes
from handlers.domain.errors import LedgerRefusedError
from handlers.domain.fence import is_late
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.coupon import CouponAccepted

INSERT_COUPONS = query("insert_coupons")
CLASSIFY_COUPONS = query("classify_coupons")
INSERT_FAILED_EVENT = query("insert_failed_event")
SELECT_FAILED_EVENT_PAYLOAD = query("select_failed_event_payload")

# The same for all writers: when they write the same rows they wait for each other, not deadlock.
# Of two with one serial, the record that came first stays first: it gets the serial.
WRITE_ORDER = attrgetter("coupon.campaign_id", "coupon.serial")
POSITION = attrgetter("record.topic", "record.partition", "record.offset")
DETAIL_LENGTH_MAX = 1000  # the column's
# MySQL never accepts this value. It rolls back the statement and not the transaction; a deadlock,
# which rolls back the transaction, is not one of these errors.
VALUE_REFUSED = (pymysql.DataError, pymysql.IntegrityError, pymysql.NotSupportedError)


class Ledger:
    """The only writer of the tables coupon and failed_event."""

    def __init__(self, database: Database, code_secret: str) -> None:
        self._database = database
        self._codes = CouponCodes(code_secret.encode())

    def write(
        self, accepted: Sequence[DecodedRecord], failed: Sequence[FailedEvent]
    ) -> list[Settlement]:
        """Write a batch in one transaction; return what Redis may settle.

        Afterwards every accepted coupon is stored or is in failed_event with the reason, and so is
        everything in `failed`. Writing the same batch again changes nothing. Raises
        UnavailableError when MySQL is unreachable and LedgerRefusedError when it refuses a value.
        """
        in_order = sorted(accepted, key=WRITE_ORDER)

        def work(cursor: Cursor) -> list[Settlement]:
            refused = self.insert(cursor, in_order)
            for event in sorted([*refused.values(), *failed], key=POSITION):
                _insert_failed_event(cursor, event)
            # Almost always nothing is refused, and hashing each record takes time.
            return [
                _settlement(a.coupon, failed=bool(refused) and a in refused)
                for a in in_order
                if not (refused and _is_superseded(refused.get(a)))
            ]

        try:
            return self._database.run(work)
        except VALUE_REFUSED as error:
            raise LedgerRefusedError(*error.args) from error

    def write_direct(self, admitted: Sequence[CouponAccepted]) -> set[CouponAccepted]:
        """Write admissions that are not from Kafka; return those whose rows are stored.

        A row is written only under the fence that admitted the user. The same again changes
        nothing. Raises the same errors as `write`.
        """
        rows = sorted((DecodedRecord(one, _nowhere) for one in admitted), key=WRITE_ORDER)

        def work(cursor: Cursor) -> set[CouponAccepted]:
            refused = self.insert(cursor, rows, direct=True)
            return {row.coupon for row in rows if row not in refused}

        try:
            return self._database.run(work)
        except VALUE_REFUSED as error:
            raise LedgerRefusedError(*error.args) from error

    def insert(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool = False
    ) -> dict[DecodedRecord, FailedEvent]:
        """Insert, within a transaction, what the guards accept; return the others.

        direct: these are not from Kafka, so each counts only under the campaign's present fence.
        """
        # A serial that fits no campaign may not fit a BIGINT either, so it is not sent to MySQL.
        refused = {
            a: _refused(a, Reason.SERIAL_OUT_OF_RANGE, "no campaign is as large as that")
            for a in accepted
            if not 1 <= a.coupon.serial <= QUANTITY_MAX
        }
        possible = [a for a in accepted if a not in refused] if refused else accepted
        if not possible:
            return refused
        rows = self._rows([a.coupon for a in possible])
        if cursor.execute(INSERT_COUPONS, rows) == len(possible):
            return refused
        cursor.execute(CLASSIFY_COUPONS, rows)
        of_another_fence = []
        for a, (_, quantity, fence, serial, holder) in zip(
            possible, cursor.fetchall(), strict=True
        ):
            failure = _why_refused(a, quantity, serial, holder)
            if failure and quantity is not None and a.coupon.fence not in {0, fence}:
                of_another_fence.append(a)
            elif failure:
                refused[a] = failure
        return refused | self._insert_in_time(cursor, of_another_fence, direct=direct)

    def _insert_in_time(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool
    ) -> dict[DecodedRecord, FailedEvent]:
        """Insert what the rebuild of the present fence has read; refuse what came later."""
        offsets = {
            campaign_id: select_offsets(cursor, campaign_id)
            for campaign_id in sorted({a.coupon.campaign_id for a in accepted})
        }
        refused: dict[DecodedRecord, FailedEvent] = {}
        in_time: dict[DecodedRecord, DecodedRecord] = {}
        for a in accepted:
            coupon, record = a
            if direct or is_late(coupon.fence, a.position, offsets[coupon.campaign_id]):
                refused[a] = _refused(a, Reason.SUPERSEDED, f"of fence {coupon.fence}")
            else:
                in_time[DecodedRecord(coupon._replace(fence=0), record)] = a
        failures = self.insert(cursor, list(in_time))
        return refused | {in_time[a]: failure for a, failure in failures.items()}

    def insert_one(
        self, cursor: Cursor, accepted: DecodedRecord, *, direct: bool = False
    ) -> FailedEvent | None:
        """Insert one coupon; return why it is not stored, also where MySQL refuses a value of it.

        A refusal does not roll back what else the transaction has written.
        """
        try:
            return self.insert(cursor, [accepted], direct=direct).get(accepted)
        except VALUE_REFUSED as error:
            return _refused(accepted, Reason.NOT_INSERTED, f"MySQL error {error.args[0]}")

    def _rows(self, coupons: Sequence[CouponAccepted]) -> dict[str, object]:
        """Return the parameters of the statements."""
        codes = self._codes.of((coupon[0], coupon[1]) for coupon in coupons)
        rows = [
            (campaign_id, user_id, serial, code, times.to_mysql(admitted_at_ms), fence)
            for (campaign_id, user_id, serial, admitted_at_ms, fence), code in zip(
                coupons, codes, strict=True
            )
        ]
        return {"rows": json.dumps(rows), "campaign_ids": sorted({row[0] for row in rows})}


def _settlement(coupon: CouponAccepted, *, failed: bool) -> Settlement:
    ids = coupon.campaign_id, coupon.user_id, coupon.serial
    if failed:
        return Settlement(*ids, SettledAs.FAILED_EVENT, coupon.fence)
    return Settlement(*ids, SettledAs.COUPON)


def _nowhere() -> Record:
    return Record(topic="", partition=0, offset=0, timestamp_ms=0, key=None, value=None)


def _is_superseded(failure: FailedEvent | None) -> bool:
    """Return whether the user's admission is of a history that is gone.

    The user may have another one now, perhaps under the same serial, and that one stays pending.
    """
    return failure is not None and failure.reason is Reason.SUPERSEDED


def _why_refused(
    accepted: DecodedRecord, quantity: int | None, serial_of_user: int | None, holder: str | None
) -> FailedEvent | None:
    """Return why a row is not stored, or None when it is (from this write or an earlier one)."""
    serial = accepted.coupon.serial
    if serial_of_user == serial:
        return None
    if quantity is None:
        return _refused(accepted, Reason.CAMPAIGN_UNKNOWN, "MySQL has no campaign of that id")
    if serial > quantity:
        detail = f"serial {serial} of a quantity of {quantity}"
        return _refused(accepted, Reason.SERIAL_OUT_OF_RANGE, detail)
    if serial_of_user is not None:
        detail = f"the user has serial {serial_of_user}, not {serial}"
        return _refused(accepted, Reason.USER_HAS_OTHER_SERIAL, detail)
    if holder is not None:
        return _refused(accepted, Reason.SERIAL_TAKEN, f"serial {serial} belongs to {holder}")
    return _refused(accepted, Reason.NOT_INSERTED, "the coupon's code collides with another one")


def _refused(accepted: DecodedRecord, reason: Reason, detail: str) -> FailedEvent:
    coupon = accepted.coupon
    return FailedEvent(accepted.record, reason, detail, coupon.campaign_id, coupon.user_id)


def _insert_failed_event(cursor: Cursor, event: FailedEvent) -> None:
    record = event.record
    position = {
        "topic": record.topic,
        "partition_no": record.partition,
        "offset_no": record.offset,
    }
    values = {
        "campaign_id": event.campaign_id,
        "user_id": event.user_id,
        "record_key": record.key,
        "payload": record.value,
        "reason": event.reason,
        "detail": event.detail[:DETAIL_LENGTH_MAX],
    }
    if cursor.execute(INSERT_FAILED_EVENT, values | position):
        return
    cursor.execute(SELECT_FAILED_EVENT_PAYLOAD, position)
    [(payload,)] = cursor.fetchall()
    if payload != record.value:
        # The topic was created again and its offsets restarted at 0: another record is stored for
        # this position. Both are stored; the record's time makes the second position different.
        position["topic"] = f"{record.topic}@{record.timestamp_ms}"
        cursor.execute(INSERT_FAILED_EVENT, values | position)
