"""Writes one row of failed_event: a record, why it is there, and its bytes as far as they fit."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING

from handlers.adapters.mysql.connection import packet_bytes_max
from handlers.adapters.mysql.database import query

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.domain.pseudonyms import Pseudonyms
    from handlers.domain.record import FailedEvent, Record

INSERT_FAILED_EVENT = query("insert_failed_event")
SELECT_FAILED_EVENT_PAYLOAD = query("select_failed_event_payload")

# The order in which all writers insert them.
POSITION = attrgetter("record.topic", "record.partition", "record.offset")
DETAIL_LENGTH_MAX = 1000  # the column's
# What the statement takes besides key and payload, with the longest detail.
STATEMENT_BYTES_MAX = 8192
# The beginning of a detail where the record's user was erased (a digest of the bytes that it had)
# and where its bytes are not complete; it stays there.
KEPT = re.compile(
    r"(?:erased [a-z2-7]{24}; )?(?:cut to \d+ of \d+ bytes: max_allowed_packet is \d+; )?"
)


def insert_failed_event(cursor: Cursor, event: FailedEvent, pseudonyms: Pseudonyms) -> None:
    """Store a record that could not be written; the same record again changes nothing.

    Also where its user was erased since: then the row has the digest of its bytes.
    """
    record = event.record
    key, payload, cut = _cut(record, packet_bytes_max(cursor))
    position = {
        "topic": record.topic,
        "partition_no": record.partition,
        "offset_no": record.offset,
    }
    values = {
        "campaign_id": event.campaign_id,
        "user_id": event.user_id,
        "record_key": key,
        "payload": payload,
        "reason": event.reason,
        "detail": f"{cut}{event.detail}"[:DETAIL_LENGTH_MAX],
    }
    if cursor.execute(INSERT_FAILED_EVENT, values | position):
        return
    cursor.execute(SELECT_FAILED_EVENT_PAYLOAD, position)
    [(stored, detail)] = cursor.fetchall()
    if stored != payload and not is_erased_of(detail, payload, pseudonyms):
        # The topic was created again and its offsets restarted at 0: another record is stored for
        # this position. Both are stored; the record's time makes the second position different.
        position["topic"] = f"{record.topic}@{record.timestamp_ms}"
        cursor.execute(INSERT_FAILED_EVENT, values | position)


def erased_detail(detail: str, payload: bytes | None, pseudonyms: Pseudonyms) -> str:
    """Return the detail of a row whose bytes are erased: it begins with their digest."""
    return f"erased {pseudonyms.digest(payload or b'')}; {detail}"[:DETAIL_LENGTH_MAX]


def is_erased_of(detail: str, payload: bytes | None, pseudonyms: Pseudonyms) -> bool:
    """Return whether a row with this detail had these bytes before they were erased."""
    return detail.startswith(erased_detail("", payload, pseudonyms))


def _cut(record: Record, bytes_max: int) -> tuple[bytes | None, bytes | None, str]:
    """Return as much of key and value as a statement can carry, and in words what was cut."""
    key, value = record.key, record.value
    room = max(0, bytes_max - STATEMENT_BYTES_MAX) // 2  # two hexadecimal digits each
    length = len(key or b"") + len(value or b"")
    if length <= room:
        return key, value, ""
    key = key and key[:room]
    value = value and value[: room - len(key or b"")]
    return key, value, f"cut to {room} of {length} bytes: max_allowed_packet is {bytes_max}; "
