"""What stands after the day: rows in MySQL, counts in Redis, the administrator's list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.harness.mysql_state import read_rows
from local.harness.processes import DemoError
from local.harness.redis_state import settled_counts
from local.load.invariants import Stands
from local.migrate import database_address
from local.token import bearer

if TYPE_CHECKING:
    from local.harness.deployment import Surroundings

OK = 200
# The most that a page holds.
PAGE = 10_000


def read_stands(around: Surroundings, campaign_id: str, wait_s: float) -> Stands:
    """Return what stands once nothing is pending, or when patience is over."""
    highest, pending = settled_counts(around.settings, campaign_id, wait_s)
    rows, failed, _ = read_rows(database_address(around.settings), campaign_id)
    return Stands(rows, _issued(around, campaign_id), highest, pending, failed)


def _issued(around: Surroundings, campaign_id: str) -> dict[str, tuple[int, str]]:
    headers = bearer(around.settings.auth_jwt_secret, "shop", "coupon:admin")
    issued: dict[str, tuple[int, str]] = {}
    after: int | None = 0
    while after is not None:
        path = f"/campaigns/{campaign_id}/coupons?after={after}&limit={PAGE}"
        status, page = around.api.call("GET", path, headers=headers)
        if status != OK:
            message = f"GET {path} was answered with {status}"
            raise DemoError(message)
        for coupon in page["coupons"]:
            issued[coupon["user_id"]] = coupon["serial"], coupon["code"]
        after = page["next_after"]
    return issued
