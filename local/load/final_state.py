"""What is stored after the test: rows in MySQL, counts in Redis, the administrator's list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.harness.mysql_state import read_rows
from local.harness.processes import HarnessError
from local.harness.redis_state import settled_counts
from local.load.invariants import FinalState
from local.migrate import database_address
from local.token import bearer

if TYPE_CHECKING:
    from local.harness.deployment import Deployment

OK = 200
# The most that a page holds.
PAGE = 10_000


def read_final_state(deployment: Deployment, campaign_id: str, wait_s: float) -> FinalState:
    """Return what is stored once nothing is pending, or after `wait_s`."""
    highest, pending = settled_counts(deployment.settings, campaign_id, wait_s)
    rows, failed, _ = read_rows(database_address(deployment.settings), campaign_id)
    return FinalState(rows, _issued(deployment, campaign_id), highest, pending, failed)


def _issued(deployment: Deployment, campaign_id: str) -> dict[str, tuple[int, str]]:
    headers = bearer(deployment.settings.auth_jwt_secret, "shop", "coupon:admin")
    issued: dict[str, tuple[int, str]] = {}
    after: int | None = 0
    while after is not None:
        path = f"/campaigns/{campaign_id}/coupons?after={after}&limit={PAGE}"
        status, page = deployment.api.call("GET", path, headers=headers)
        if status != OK:
            message = f"GET {path} was answered with {status}"
            raise HarnessError(message)
        for coupon in page["coupons"]:
            issued[coupon["user_id"]] = coupon["serial"], coupon["code"]
        after = page["next_after"]
    return issued
