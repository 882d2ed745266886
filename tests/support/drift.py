"""Campaigns in which Redis and MySQL differ, or whose state in Redis is lost, to reconcile."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.domain.reconciliation.differences import Kind
from handlers.reconcile import compare
from local.reconcile import __main__ as reconcile
from tests.support.service import create_campaign, kafka_event, message
from tests.support.single import admit_one

if TYPE_CHECKING:
    from handlers.config import Settings


LONG_AGO_MS = 120_000  # four times PENDING_RESEND_AFTER_S


class Redis:
    """The keys of one campaign, to change them."""

    def __init__(self, settings: Settings, campaign_id: str) -> None:
        self._settings, self._prefix = settings, f"coupon:{{{campaign_id}}}:"

    def __call__(self, command: str, key: str, *args: object) -> Any:
        with closing(connect(self._settings)) as client:
            return client.execute_command(command, self._prefix + key, *args)


def issue(campaign_id: str, *users: str, first: int = 1) -> None:
    """Write users from first to last into Redis and MySQL, as the consumer does."""
    records = [message(campaign_id, user, serial) for serial, user in enumerate(users, first)]
    consume_handler(kafka_event(records), None)


def admit(campaign_id: str, user: str) -> int:
    return admit_one(wiring.admissions(), campaign_id, user).serial


def findings(campaign_id: str) -> list[tuple[Kind, str | int | None]]:
    return [
        (difference.kind, difference.user_id or difference.admitted_serial)
        for batch in compare(campaign_id).differences()
        for difference in batch
    ]


def spoil(redis: Redis, campaign_id: str) -> None:
    """Create one difference of every kind."""
    create_campaign(campaign_id, quantity=20)
    issue(campaign_id, "sound", "unknown", "mismatch")
    for user in ("stale", "rowless", "gap", "fresh"):
        admit(campaign_id, user)
    redis("ZREM", "applied_user", "unknown")
    redis("ZADD", "applied_user", 9, "mismatch")
    redis("ZINCRBY", "pending", -LONG_AGO_MS, "stale")
    redis("ZREM", "pending", "rowless")
    redis("ZREM", "pending", "gap")
    redis("ZREM", "applied_user", "gap")
    redis("RPUSH", "returned", 19)  # of 7 that were given out


SPOILT = [
    (Kind.COUNT_MISMATCH, 19),
    (Kind.MISSING_ADMISSION, "unknown"),
    (Kind.MISSING_ROW, "rowless"),
    (Kind.PENDING_STALE, "stale"),
    (Kind.SERIAL_GAP, 2),
    (Kind.SERIAL_GAP, 3),
    (Kind.SERIAL_GAP, 6),
    (Kind.SERIAL_MISMATCH, "mismatch"),
]


def run(*arguments: str) -> int:
    return reconcile.main(arguments)


def lose_epoch(redis: Redis) -> None:
    redis("HSET", "campaign", "epoch", "f" * 40)


def lose_campaign(redis: Redis) -> None:
    redis("DEL", "campaign")
