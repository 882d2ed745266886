"""Builds the clients that only the erasure of users needs, as wiring.py does the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import operations, wiring
from handlers.domain.errors import LedgerRefusedError
from handlers.domain.record import FailedStatus
from handlers.once import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handlers.adapters.mysql.erasures import MySqlErasures
    from handlers.adapters.redis.erasures import RedisErasures
    from handlers.domain.coupon import CouponAccepted
    from handlers.domain.erasure import Eraser
    from handlers.domain.reconciliation.differences import Issued
    from handlers.domain.settlement import Settlement


@once
def mysql_erasures() -> MySqlErasures:
    """Return the erasure of users in MySQL."""
    from handlers.adapters.mysql.erasures import MySqlErasures

    return MySqlErasures(wiring.database(), wiring.pseudonyms())


@once
def redis_erasures() -> RedisErasures:
    """Return the erasure of users in Redis."""
    from handlers.adapters.redis.erasures import RedisErasures

    return RedisErasures(wiring.scripts())


@once
def eraser() -> Eraser:
    """Return the erasure of users everywhere."""
    from handlers.domain.erasure import Eraser

    return Eraser((mysql_erasures(), redis_erasures()), DeliveriesToMySql(), wiring.pseudonyms())


class DeliveriesToMySql:
    """What is on its way to MySQL, by the clients that write and settle all the rest."""

    def campaign_ids(self) -> Sequence[str]:
        """Return the ids of all campaigns that are not archived."""
        return [campaign.id for campaign in wiring.mysql_queries().campaigns()]

    def write(self, coupon: CouponAccepted) -> bool:
        """Write an admission to MySQL, under its fence; return whether its row is there.

        Not where MySQL refuses a value of the row: the consumer sets its record aside, and the
        user is erased there.
        """
        try:
            return coupon in wiring.ledger().write_direct([coupon])
        except LedgerRefusedError:
            return False

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Report to Redis what MySQL has."""
        wiring.admissions().settle(settlements)

    def redrive(self, number: int) -> bool:
        """Write a failed event again now; return whether it waits no more."""
        queue = wiring.failed_event_queue()
        done = queue.redrive(FailedStatus.PENDING, now=True, after=number - 1, limit=1)
        self.settle(done.settlements)
        return done.last_id == number and not done.retried

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> Sequence[Issued]:
        """Return what MySQL knows about each of `users`."""
        return operations.coupon_reader().lookup_users(campaign_id, users)
