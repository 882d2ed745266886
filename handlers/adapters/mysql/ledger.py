"""The ledger: writes accepted coupons, and dead-letters records that could not be written."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING

import pymysql

from handlers.adapters.mysql.connection import packet_bytes_max, text_bytes
from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.error_codes import code_of, refuses_content
from handlers.adapters.mysql.failed_event_row import POSITION, insert_failed_event
from handlers.domain import times
from handlers.domain.campaign import QUANTITY_MAX
from handlers.domain.coupon_codes import CouponCodes
from handlers.domain.errors import LedgerRefusedError
from handlers.domain.record import DecodedRecord, FailedEvent, Reason
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.coupon import CouponAccepted

INSERT_COUPONS = query("insert_coupons")
CLASSIFY_COUPONS = query("classify_coupons")

# The same for all writers: when they write the same rows they wait for each other, not deadlock.
# Of two with one serial, the record that came first stays first: it gets the serial.
WRITE_ORDER = attrgetter("coupon.campaign_id", "coupon.serial")
# What a statement takes besides %(rows)s.
STATEMENT_BYTES_MAX = 4096


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
                insert_failed_event(cursor, event)
            # Almost always nothing is refused, and hashing each record takes time.
            return [_settlement(a.coupon, failed=bool(refused) and a in refused) for a in in_order]

        try:
            return self._database.run(work)
        except pymysql.Error as error:  # of these, the database lets only refused content pass
            raise LedgerRefusedError(*error.args) from error

    def insert(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord]
    ) -> dict[DecodedRecord, FailedEvent]:
        """Insert, within a transaction, what the guards accept; return the others."""
        # A serial that fits no campaign may not fit a BIGINT either, so it is not sent to MySQL.
        refused = {
            a: _refused(a, Reason.SERIAL_OUT_OF_RANGE, "no campaign is as large as that")
            for a in accepted
            if not 1 <= a.coupon.serial <= QUANTITY_MAX
        }
        possible = [a for a in accepted if a not in refused] if refused else accepted
        return refused | self._insert_possible(cursor, possible) if possible else refused

    def _insert_possible(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord]
    ) -> dict[DecodedRecord, FailedEvent]:
        """Insert in one statement, or in as many as the server's limit for one makes necessary."""
        rows = self._rows([a.coupon for a in accepted])
        room = packet_bytes_max(cursor) - STATEMENT_BYTES_MAX
        if len(accepted) > 1 and text_bytes(rows) > room:
            middle = len(accepted) // 2
            first = self._insert_possible(cursor, accepted[:middle])
            return first | self._insert_possible(cursor, accepted[middle:])
        values = {"rows": rows}
        if cursor.execute(INSERT_COUPONS, values) == len(accepted):
            return {}
        cursor.execute(CLASSIFY_COUPONS, values)
        found = [
            (a, _why_refused(a, quantity, serial, holder))
            for a, (_, quantity, serial, holder) in zip(accepted, cursor.fetchall(), strict=True)
        ]
        return {a: failure for a, failure in found if failure}

    def insert_one(self, cursor: Cursor, accepted: DecodedRecord) -> FailedEvent | None:
        """Insert one coupon; return why it is not stored, also where MySQL refuses a value of it.

        A refusal does not roll back what else the transaction has written.
        """
        try:
            return self.insert(cursor, [accepted]).get(accepted)
        except pymysql.Error as error:
            if not refuses_content(error):
                raise
            return _refused(accepted, Reason.NOT_INSERTED, f"MySQL error {code_of(error)}")

    def _rows(self, coupons: Sequence[CouponAccepted]) -> str:
        """Return what the statements take as %(rows)s."""
        codes = self._codes.of((campaign_id, user_id) for campaign_id, user_id, _, _ in coupons)
        return json.dumps(
            [
                (campaign_id, user_id, serial, code, times.to_mysql(admitted_at_ms))
                for (campaign_id, user_id, serial, admitted_at_ms), code in zip(
                    coupons, codes, strict=True
                )
            ]
        )


def _settlement(coupon: CouponAccepted, *, failed: bool) -> Settlement:
    state = SettledAs.FAILED_EVENT if failed else SettledAs.COUPON
    return Settlement(coupon.campaign_id, coupon.user_id, coupon.serial, state)


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
