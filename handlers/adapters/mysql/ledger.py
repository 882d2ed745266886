"""The ledger: writes accepted coupons, and dead-letters records that could not be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pymysql

from handlers.adapters.mysql.connection import packet_bytes_max, text_bytes
from handlers.adapters.mysql.database import count_coupons, query, while_server_works
from handlers.adapters.mysql.error_codes import code_of, refuses_content
from handlers.adapters.mysql.failed_event_row import POSITION, insert_failed_event
from handlers.adapters.mysql.fences import select_offsets
from handlers.adapters.mysql.outbox import add_issued
from handlers.adapters.mysql.prepared import Prepared
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.coupon_codes import CouponCodes, former_owner
from handlers.domain.errors import LedgerRefusedError
from handlers.domain.fence import is_late
from handlers.domain.pseudonyms import Pseudonyms
from handlers.domain.record import DecodedRecord, FailedEvent, Gone, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.coupon import CouponAccepted

T = TypeVar("T")
Refusal = FailedEvent | Gone

INSERT_COUPONS = query("insert_coupons")
CLASSIFY_COUPONS = query("classify_coupons")

# What a statement takes besides %(rows)s.
STATEMENT_BYTES_MAX = 4096


class Ledger:
    """The only writer of new coupons and failed events, and of what webhooks are sent of them."""

    def __init__(self, database: Database, code_secret: str) -> None:
        self._database = database
        self._codes = CouponCodes(code_secret.encode())
        self._pseudonyms = Pseudonyms(lambda: code_secret)

    def prepare(self, accepted: Iterable[DecodedRecord]) -> Prepared:
        """Return `accepted` as `write` takes it; this asks no server."""
        return Prepared(accepted, self._codes)

    def write(
        self,
        accepted: Sequence[DecodedRecord],
        failed: Sequence[FailedEvent],
        meanwhile: Callable[[], object] | None = None,
    ) -> list[Settlement]:
        """Write records in one transaction; return what Redis may settle.

        Afterwards every accepted coupon is stored or is in failed_event with the reason, and so is
        everything in `failed`. Writing the same batch again changes nothing. Raises
        UnavailableError when MySQL is unreachable, TransactionTooLargeError when a part of the
        batch may succeed, and LedgerRefusedError when MySQL refuses a value.
        accepted: best as from `prepare`; otherwise it is prepared here.
        meanwhile: called while MySQL works, once, or again where the transaction is repeated.
        """
        in_order = accepted if isinstance(accepted, Prepared) else self.prepare(accepted)

        def work(cursor: Cursor) -> list[Settlement]:
            while_server_works(cursor, meanwhile)
            refused = self.insert(cursor, in_order)
            failures = (one for one in refused.values() if isinstance(one, FailedEvent))
            for event in sorted([*failures, *failed], key=POSITION):
                insert_failed_event(cursor, event, self._pseudonyms)
            if not refused:  # as almost always
                written = SettledAs.COUPON
                return [Settlement(c[0], c[1], c[2], written) for c, _ in in_order]
            return [
                _settlement(a.coupon, failed=a in refused)
                for a in in_order
                if not _settles_nothing(refused.get(a))
            ]

        return self._run(work)

    def write_direct(self, admitted: Sequence[CouponAccepted]) -> set[CouponAccepted]:
        """Write admissions that are not from Kafka; return those whose rows are stored.

        A row is written only under the fence that admitted the user. The same again changes
        nothing. Raises the same errors as `write`.
        """
        rows = self.prepare(DecodedRecord(one, _nowhere) for one in admitted)

        def work(cursor: Cursor) -> set[CouponAccepted]:
            refused = self.insert(cursor, rows, direct=True)
            return {row.coupon for row in rows if row not in refused}

        return self._run(work)

    def _run(self, work: Callable[[Cursor], T]) -> T:
        try:
            return self._database.run(work)
        except pymysql.Error as error:  # of these, the database lets only refused content pass
            raise LedgerRefusedError(*error.args) from error

    def insert(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool = False
    ) -> dict[DecodedRecord, Refusal]:
        """Insert, within a transaction, what the guards accept; return the others.

        Gone are those that were written before and whose coupon is not the user's any more.
        direct: these are not from Kafka, so each counts only under the campaign's present fence.
        """
        # A serial that fits no campaign may not fit a BIGINT either, so it is not sent to MySQL.
        refused: dict[DecodedRecord, Refusal] = {
            a: _refused(a, Reason.SERIAL_OUT_OF_RANGE, "no campaign is as large as that")
            for a in accepted
            if not 1 <= a.coupon.serial <= SERIAL_MAX
        }
        possible = [a for a in accepted if a not in refused] if refused else accepted
        return (
            refused | self._insert_possible(cursor, possible, direct=direct)
            if possible
            else refused
        )

    def _insert_possible(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool
    ) -> dict[DecodedRecord, Refusal]:
        """Insert in one statement, or in as many as the server's limit for one makes necessary."""
        accepted = accepted if isinstance(accepted, Prepared) else self.prepare(accepted)
        rows, ids = accepted.rows, accepted.campaign_ids
        room = packet_bytes_max(cursor) - STATEMENT_BYTES_MAX - text_bytes("','".join(ids))
        if len(accepted) > 1 and text_bytes(rows) > room:
            middle = len(accepted) // 2
            first = self._insert_possible(cursor, accepted[:middle], direct=direct)
            return first | self._insert_possible(cursor, accepted[middle:], direct=direct)
        values = {"rows": rows, "campaign_ids": ids}
        inserted = cursor.execute(INSERT_COUPONS, values)
        if inserted:  # of a batch that was written before, webhooks have been sent everything
            add_issued(cursor, rows)
            count_coupons(cursor, inserted)
        if inserted == len(accepted):
            return {}
        cursor.execute(CLASSIFY_COUPONS, values)
        refused: dict[DecodedRecord, Refusal] = {}
        of_another_fence = []
        for a, (_, last_serial, fence, serial, holder, code, coded, gave_back) in zip(
            accepted, cursor.fetchall(), strict=True
        ):
            failure = _why_refused(a, last_serial, serial, holder)
            if failure and (gave_back or self._was_of(a.coupon, code, coded)):
                refused[a] = Gone()
            elif failure and last_serial is not None and a.coupon.fence not in {0, fence}:
                of_another_fence.append(a)
            elif failure:
                refused[a] = failure
        if of_another_fence:
            refused |= self._insert_in_time(cursor, of_another_fence, direct=direct)
        return refused

    def _insert_in_time(
        self, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool
    ) -> dict[DecodedRecord, Refusal]:
        """Insert what the rebuild of the present fence has read; refuse what came later."""
        offsets = {
            campaign_id: select_offsets(cursor, campaign_id)
            for campaign_id in sorted({a.coupon.campaign_id for a in accepted})
        }
        refused: dict[DecodedRecord, Refusal] = {}
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
    ) -> Refusal | None:
        """Insert one coupon; return why it is not stored, also where MySQL refuses a value of it.

        A refusal does not roll back what else the transaction has written.
        """
        try:
            return self.insert(cursor, [accepted], direct=direct).get(accepted)
        except pymysql.Error as error:
            if not refuses_content(error):
                raise
            return _refused(accepted, Reason.NOT_INSERTED, f"MySQL error {code_of(error)}")

    def _was_of(self, coupon: CouponAccepted, code: str | None, coded: str | None) -> bool:
        """Return whether the coupon of this serial, with this code, was this user's.

        The code says so also where the row names another owner by now: a user who was erased. Then
        `coded`, the owner of the coupon with this user's code, is the pseudonym, whatever its
        serial.
        """
        ids = coupon.campaign_id, coupon.user_id
        if coded not in {None, coupon.user_id} and coded == self._pseudonyms.of(*ids):
            return True
        return code is not None and code in self._codes.of([ids, former_owner(*ids, coupon.serial)])


def _settlement(coupon: CouponAccepted, *, failed: bool) -> Settlement:
    ids = coupon.campaign_id, coupon.user_id, coupon.serial
    if failed:
        return Settlement(*ids, SettledAs.FAILED_EVENT, coupon.fence)
    return Settlement(*ids, SettledAs.COUPON)


def _nowhere() -> Record:
    return Record(topic="", partition=0, offset=0, timestamp_ms=0, key=None, value=None)


def _settles_nothing(refusal: Refusal | None) -> bool:
    """Return whether the user's admission is of a history that is gone, or its coupon is.

    The user may have another one now, perhaps under the same serial, and that one stays pending.
    """
    if isinstance(refusal, FailedEvent):
        return refusal.reason is Reason.SUPERSEDED
    return refusal is not None


def _why_refused(
    accepted: DecodedRecord, last_serial: int | None, serial_of_user: int | None, holder: str | None
) -> FailedEvent | None:
    """Return why a row is not stored, or None when it is (from this write or an earlier one)."""
    serial = accepted.coupon.serial
    if serial_of_user == serial:
        return None
    if last_serial is None:
        return _refused(accepted, Reason.CAMPAIGN_UNKNOWN, "MySQL has no campaign of that id")
    if serial > last_serial:
        detail = f"serial {serial} of {last_serial}"
        return _refused(accepted, Reason.SERIAL_OUT_OF_RANGE, detail)
    if serial_of_user is not None:
        detail = f"the user has serial {serial_of_user}, not {serial}"
        return _refused(accepted, Reason.USER_HAS_OTHER_SERIAL, detail)
    if holder is not None:  # not named here: it would stay after the holder was erased
        return _refused(accepted, Reason.SERIAL_TAKEN, f"serial {serial} belongs to another user")
    return _refused(accepted, Reason.NOT_INSERTED, "the coupon's code collides with another one")


def _refused(accepted: DecodedRecord, reason: Reason, detail: str) -> FailedEvent:
    coupon = accepted.coupon
    return FailedEvent(accepted.record, reason, detail, coupon.campaign_id, coupon.user_id)
