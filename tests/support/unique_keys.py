"""The UNIQUE keys of coupon: taken away, and as they were, for negative controls."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The foreign key needs an index of its own meanwhile.
REMOVE = (
    "ALTER TABLE coupon ADD INDEX control (campaign_id), DROP PRIMARY KEY,"
    " DROP INDEX coupon_one_per_person, DROP INDEX coupon_code_once"
)
RESTORE = (
    "ALTER TABLE coupon ADD PRIMARY KEY (campaign_id, serial),"
    " ADD CONSTRAINT coupon_one_per_person UNIQUE (campaign_id, user_id, given_back),"
    " ADD CONSTRAINT coupon_code_once UNIQUE (code), DROP INDEX control"
)
# How the table was before serials became its primary key.
COUNTER = (
    "ALTER TABLE coupon DROP PRIMARY KEY,"
    " ADD COLUMN id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST,"
    " ADD CONSTRAINT coupon_serial_once UNIQUE (campaign_id, serial)"
)


@contextmanager
def without_unique_keys(execute: Callable[[str], object]) -> Iterator[None]:
    """Let MySQL store coupons twice during the block; afterwards the table is empty."""
    execute(REMOVE)
    try:
        yield
    finally:
        execute("DELETE FROM coupon")
        execute(RESTORE)
