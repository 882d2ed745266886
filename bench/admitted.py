"""The admission script outside the gateway: many users admitted in a few round trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.redis.admissions import ADMIT
from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain.coupon import CouponAccepted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PIPELINE_MAX = 1000


def admit_command(
    campaign_id: str, address: str = "", per_user: int = 0, per_address: int = 0
) -> Callable[[str], list[str | int]]:
    """Load the admission script; return a function: user to its admission command."""
    wiring.scripts().command("SCRIPT", "LOAD", ADMIT.source)
    keys = CampaignKeys.of(campaign_id)
    names = (*keys.all(), keys.rate)
    fixed: list[str | int] = [
        "EVALSHA",
        ADMIT.digest,
        len(names),
        *names,
        "1",
        per_user,
        per_address,
        "",  # the campaign has no rules
        "",
        "",  # and no erased users
    ]
    return lambda user: [*fixed, user, address]


def admit(campaign_id: str, users: Sequence[str]) -> list[CouponAccepted]:
    """Admit all of `users`; return what the apply handler would have sent to Kafka."""
    command = admit_command(campaign_id)
    redis = wiring.scripts()._connected()  # noqa: SLF001 - the product itself needs no pipeline
    accepted = []
    for start in range(0, len(users), PIPELINE_MAX):
        part = users[start : start + PIPELINE_MAX]
        pipeline = redis.pipeline(transaction=False)
        for user in part:
            pipeline.execute_command(*command(user))
        for user, [(_, serial, admitted_at_ms, _)] in zip(part, pipeline.execute(), strict=True):
            accepted.append(CouponAccepted(campaign_id, user, serial, admitted_at_ms))
    return accepted
