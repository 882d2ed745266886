"""Migrations that give a table that has rows an index or a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.migration.schema import migrate_schema
from local.migrate import owner_address
from tests.support.state import retry_deadline, statement

if TYPE_CHECKING:
    from handlers.config import Settings


def test_lists_in_the_order_of_time_have_an_index_after_their_migration(
    service: Settings,
) -> None:
    statement(service, "ALTER TABLE coupon DROP INDEX coupon_by_time")
    statement(
        service,
        "ALTER TABLE coupon_event DROP INDEX coupon_event_by_time, "
        "ADD INDEX coupon_event_of_campaign (campaign_id, id)",
    )
    numbers = {"coupon": "serial", "coupon_event": "id"}
    for _ in range(2):  # once more, as after an interruption between the change and its record
        statement(service, "DELETE FROM _yoyo_migration WHERE migration_id LIKE '0007%'")
        applied = migrate_schema(owner_address(service), retry_deadline(), lenient=True)
        assert list(applied) == ["0007.coupons-and-events-by-time"]
        for table, number in numbers.items():
            keys = f"SHOW INDEX FROM {table} WHERE key_name = '{table}_by_time'"
            columns = [row[4] for row in statement(service, keys)]
            assert columns == ["campaign_id", "created_at", number]


def test_a_position_of_the_release_before_is_looked_at_again_after_its_migration(
    service: Settings,
) -> None:
    added = ("walked_at", "walked_serial", "due_at")
    drops = ", ".join(f"DROP COLUMN {name}" for name in added)
    statement(service, f"ALTER TABLE webhook_expiry {drops}")
    statement(service, "DROP TABLE webhook_expiring")
    statement(service, "INSERT INTO webhook_expiry (campaign_id, serial) VALUES ('old', 7)")
    for _ in range(2):  # once more, as after an interruption between the change and its record
        statement(service, "DELETE FROM _yoyo_migration WHERE migration_id LIKE '0008%'")
        applied = migrate_schema(owner_address(service), retry_deadline(), lenient=True)
        assert list(applied) == ["0008.expired-coupons-by-time"]
        found = "SELECT walked_serial, due_at < UTC_TIMESTAMP(3) FROM webhook_expiry"
        assert statement(service, found) == [(0, 1)]
        assert statement(service, "SELECT * FROM webhook_expiring") == []
