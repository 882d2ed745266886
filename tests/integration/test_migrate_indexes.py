"""The migration that gives lists in the order of time their indexes."""

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
