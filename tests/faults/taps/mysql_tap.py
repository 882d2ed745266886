"""A tap on MySQL: triggers note each effect in a table, in the transaction that has it.

The numbers of the notes are MySQL's own order wherever it matters: what conflicts (a fence that is
raised, an end that is stored, rows) waits for a lock on the campaign's row until the other commits,
and a note is numbered after the lock is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.faults.acceptor.events import (
    CampaignChanged,
    CouponChanged,
    EndStored,
    Failed,
    FenceRaised,
    PlaceReturned,
    RowRenamed,
    RowWritten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.acceptor.events import MySQLEvent

CREATE = """
CREATE TABLE IF NOT EXISTS faults_note (
    id BIGINT PRIMARY KEY AUTO_INCREMENT, at DATETIME(6), kind VARCHAR(16), campaign_id VARCHAR(64),
    user_id VARCHAR(64), number BIGINT, reason VARCHAR(64), status VARCHAR(16),
    partition_no INT, offset_no BIGINT
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
"""
NOTE = (
    "INSERT INTO faults_note (at, kind, campaign_id, user_id, number, reason, status, partition_no,"
    " offset_no) VALUES (SYSDATE(6), "
)
FAILED = (
    f"{NOTE}'failed', NEW.campaign_id, NEW.user_id, NULL, NEW.reason, NEW.status,"
    " NEW.partition_no, NEW.offset_no)"
)
TRIGGERS = {
    "faults_fence_first": (
        "AFTER INSERT ON campaign FOR EACH ROW"
        f" {NOTE}'fence', NEW.id, NULL, NEW.fence, NULL, NULL, NULL, NULL)"
    ),
    "faults_fence": (
        "AFTER UPDATE ON campaign FOR EACH ROW IF NEW.fence <> OLD.fence THEN"
        f" {NOTE}'fence', NEW.id, NULL, NEW.fence, NULL, NULL, NULL, NULL); END IF"
    ),
    "faults_end": (
        "AFTER INSERT ON fence_offset FOR EACH ROW"
        f" {NOTE}'end', NEW.campaign_id, NULL, NEW.fence, NULL, NULL, NEW.partition_no,"
        " NEW.offset_no)"
    ),
    "faults_row": (
        "AFTER INSERT ON coupon FOR EACH ROW"
        f" {NOTE}'row', NEW.campaign_id, NEW.user_id, NEW.serial, NULL, NULL, NULL, NULL)"
    ),
    "faults_renamed": (
        "AFTER UPDATE ON coupon FOR EACH ROW IF NEW.user_id <> OLD.user_id THEN"
        f" {NOTE}'renamed', NEW.campaign_id, NEW.user_id, NEW.serial, OLD.user_id, NULL, NULL,"
        " NULL); END IF"
    ),
    "faults_place": (
        "AFTER UPDATE ON campaign FOR EACH ROW IF NEW.places_returned <> OLD.places_returned THEN"
        f" {NOTE}'place', NEW.id, NULL, NEW.places_returned, NULL, NULL, NULL, NULL); END IF"
    ),
    "faults_change": (
        "AFTER UPDATE ON campaign FOR EACH ROW"
        " IF NEW.version <> OLD.version OR NEW.quantity <> OLD.quantity THEN"
        f" {NOTE}'change', NEW.id, NULL, NEW.version, NULL, NULL, NEW.paused, NEW.quantity);"
        " END IF"
    ),
    "faults_coupon": (
        "AFTER UPDATE ON coupon FOR EACH ROW"
        " IF NEW.state <> OLD.state OR NEW.given_back <> OLD.given_back"
        " OR NOT NEW.order_id <=> OLD.order_id THEN"
        f" {NOTE}'coupon', NEW.campaign_id, NEW.user_id, NEW.serial, OLD.state, NEW.state,"
        " NEW.given_back > 0, NEW.order_id <=> OLD.order_id); END IF"
    ),
    "faults_failed": f"AFTER INSERT ON failed_event FOR EACH ROW {FAILED}",
    "faults_failed_again": (
        "AFTER UPDATE ON failed_event FOR EACH ROW"
        f" IF NEW.status <> OLD.status OR NEW.reason <> OLD.reason THEN {FAILED}; END IF"
    ),
}
SELECT = (
    "SELECT UNIX_TIMESTAMP(at), kind, user_id, number, reason, status, partition_no, offset_no"
    " FROM faults_note WHERE campaign_id = %s ORDER BY id"
)


def install(cursor: Any) -> None:
    """Create the table and the triggers; root may, also while MySQL writes a binary log."""
    cursor.execute(CREATE)
    for name, trigger in TRIGGERS.items():
        cursor.execute(f"CREATE TRIGGER {name} {trigger}")


def remove(cursor: Any) -> None:
    """Remove them again."""
    for name in TRIGGERS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    cursor.execute("DROP TABLE IF EXISTS faults_note")


def read(rows: Callable[..., Sequence[tuple[Any, ...]]], campaign_id: str) -> list[MySQLEvent]:
    """Return what MySQL has done with a campaign, in its own order."""
    return [_event(row) for row in rows(SELECT, campaign_id)]


def _event(row: tuple[Any, ...]) -> MySQLEvent:
    at, kind, user, number, reason, status, partition, offset = row
    at_s, user = float(at), user or ""
    if kind == "failed":
        return Failed(at_s, user, reason, status, partition, offset)
    if kind == "coupon":
        is_given_back, is_same_order = bool(partition), bool(offset)
        return CouponChanged(at_s, user, number, reason, status, is_given_back, is_same_order)
    events: dict[str, MySQLEvent] = {
        "fence": FenceRaised(at_s, number),
        "end": EndStored(at_s, number, partition, offset),
        "row": RowWritten(at_s, user, number),
        "renamed": RowRenamed(at_s, reason or "", user, number),
        "place": PlaceReturned(at_s, number),
        "change": CampaignChanged(at_s, number, offset, bool(partition)),
    }
    return events[kind]
