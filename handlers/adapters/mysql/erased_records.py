"""Takes users out of failed_event. A record stays what it is, as one of the pseudonym's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.failed_event_row import erased_detail
from handlers.domain.coupon import CouponAccepted, UndecodableError
from handlers.domain.errors import ErasureWaitsError
from handlers.domain.record import FailedStatus, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.domain.pseudonyms import Pseudonyms

SELECT_OF_USER = query("select_failed_events_of_user")
SELECT_NAMELESS = query("select_nameless_failed_events")
ERASE = query("erase_failed_event")
ERASE_HOLDER = query("erase_holder_in_details")

# Of a batch of records: its positions, times and checksum, by which it is recognised; no record.
BATCH_HEADER_BYTES = 61


class _FailedRow(NamedTuple):
    """A row of failed_event."""

    id: int
    status: str
    reason: str
    record_key: bytes | None
    payload: bytes | None
    detail: str


def erase_of_user(cursor: Cursor, ids: Mapping[str, str], pseudonyms: Pseudonyms) -> int:
    """Rewrite the failed events of a user to the pseudonym, within a transaction; return how many.

    ids: campaign_id, user_id, pseudonym. Raises ErasureWaitsError where one waits for a redrive.
    """
    pseudonym = ids["pseudonym"]
    cursor.execute(SELECT_OF_USER, ids)
    rows = [_FailedRow(*columns) for columns in cursor.fetchall()]
    _require_settled(rows)
    for row in rows:
        payload = _payload_of(row.payload, pseudonym)
        key = pseudonym.encode() if row.record_key is not None else None
        _write(cursor, row, pseudonyms, user_id=pseudonym, record_key=key, payload=payload)
    holder = f"belongs to {ids['user_id']}"
    cursor.execute(ERASE_HOLDER, {"campaign_id": ids["campaign_id"], "holder": holder})
    return len(rows)


def erase_nameless(cursor: Cursor, user_id: str, pseudonyms: Pseudonyms) -> int:
    """Erase the bytes of records without a campaign that may hold the user's id."""
    cursor.execute(
        SELECT_NAMELESS,
        {"key": user_id.encode(), "text": json.dumps(user_id), "header": BATCH_HEADER_BYTES},
    )
    rows = [_FailedRow(*columns) for columns in cursor.fetchall()]
    _require_settled(rows)
    for row in rows:
        kept = (
            (row.payload or b"")[:BATCH_HEADER_BYTES] if row.reason == Reason.UNREADABLE else None
        )
        # What was given up and is erased cannot be written any more.
        done = {"payload": kept, "status": FailedStatus.RESOLVED}
        _write(cursor, row, pseudonyms, user_id=None, record_key=None, **done)
    return len(rows)


def _require_settled(rows: Sequence[_FailedRow]) -> None:
    waiting = [row for row in rows if row.status == FailedStatus.PENDING]
    if waiting:
        raise ErasureWaitsError.of({row.id: row.reason for row in waiting})


def _payload_of(payload: bytes | None, pseudonym: str) -> bytes | None:
    try:
        return CouponAccepted.decode(payload)._replace(user_id=pseudonym).encode()
    except UndecodableError:
        return None  # it was cut, so it can never be written


def _write(cursor: Cursor, row: _FailedRow, pseudonyms: Pseudonyms, **columns: Any) -> None:
    values = {
        "id": row.id,
        "status": row.status,
        "detail": erased_detail(row.detail, row.payload, pseudonyms),
        **columns,
    }
    cursor.execute(ERASE, values)
