"""The admission script outside the gateway: many users admitted in a few round trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.admission import ADMIT
from handlers.adapters.redis_keys import EPOCH, CampaignKeys
from handlers.domain.coupon import CouponAccepted

if TYPE_CHECKING:
    from collections.abc import Sequence

PIPELINE_MAX = 1000


def run_id() -> str:
    """Return this Redis's run_id, as the script is given it."""
    return wiring.scripts().run_id_of(EPOCH)


def admit_script() -> str:
    """Load the admission script; return its digest."""
    wiring.scripts().command("SCRIPT", "LOAD", ADMIT.source)
    return ADMIT.digest


def admit(campaign_id: str, users: Sequence[str]) -> list[CouponAccepted]:
    """Admit all of them; return what the apply handler would have sent to Kafka."""
    digest, run, keys = admit_script(), run_id(), CampaignKeys.of(campaign_id).all()
    redis = wiring.scripts()._connected()  # noqa: SLF001 - the product itself needs no pipeline
    accepted = []
    for start in range(0, len(users), PIPELINE_MAX):
        part = users[start : start + PIPELINE_MAX]
        pipeline = redis.pipeline(transaction=False)
        for user in part:
            pipeline.execute_command("EVALSHA", digest, len(keys), *keys, user, run)
        for user, (_, serial, admitted_at_ms) in zip(part, pipeline.execute(), strict=True):
            accepted.append(CouponAccepted(campaign_id, user, serial, admitted_at_ms))
    return accepted
