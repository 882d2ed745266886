"""What is stored after the test: rows in MySQL, counts in Redis, the administrator's list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.domain import times
from local.harness.arrival import Outstanding, await_arrival
from local.harness.mysql_state import read_rows
from local.harness.processes import HarnessError
from local.harness.redis_state import read_counts
from local.load.invariants import FinalState
from local.migrate import database_address
from local.token import bearer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.retry import Report
    from local.harness.deployment import Deployment

OK = 200
# The most that a page holds.
PAGE = 10_000


def read_final_state(
    deployment: Deployment, campaign_id: str, wait_s: float, report: Report
) -> FinalState:
    """Return what is stored once nothing is pending, or once nothing moves any more."""
    settings = deployment.settings

    def look() -> Outstanding:
        deployment.check()
        # A user who is pending has no row, or one that the consumer has not yet settled.
        return Outstanding(0, read_counts(settings, campaign_id)[1])

    arrival = await_arrival(look, wait_s, deployment.relay_within_s, report)
    highest, pending = read_counts(settings, campaign_id)
    rows, failed, _ = read_rows(database_address(settings), campaign_id)
    coupons = list(_coupons(deployment, campaign_id))
    issued = {coupon["user_id"]: (coupon["serial"], coupon["code"]) for coupon in coupons}
    at_ms = {coupon["user_id"]: times.from_iso(coupon["issued_at"]) for coupon in coupons}
    return FinalState(rows, issued, highest, pending, failed, arrival.lateness, at_ms)


def _coupons(deployment: Deployment, campaign_id: str) -> Iterator[dict[str, Any]]:
    """Yield the administrator's list."""
    headers = bearer(deployment.settings.auth_jwt_secret, "shop", "coupon:admin")
    after: int | None = 0
    while after is not None:
        path = f"/campaigns/{campaign_id}/coupons?after={after}&limit={PAGE}"
        status, page = deployment.api.call("GET", path, headers=headers)
        if status != OK:
            message = f"GET {path} was answered with {status}"
            raise HarnessError(message)
        yield from page["coupons"]
        after = page["next_after"]
