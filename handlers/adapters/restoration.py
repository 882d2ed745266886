"""Brings campaigns back into a Redis that restarted or lost its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.redis_keys import CAMPAIGNS, EPOCH, CampaignKeys
from handlers.adapters.scripts import Script, Scripts
from handlers.domain.errors import StaleStateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.domain.campaign import Campaign
    from handlers.domain.coupon import CouponAccepted

RESTORE = Script("restore")
RELEASE = Script("release")
REOPEN = Script("reopen")
RENEW_EPOCH = Script("renew_epoch")

# One script holds up every other client of the server: about a millisecond's work each.
BATCH = 1000


class Restoration:
    """One campaign after the other: restore, release, reopen; the epoch at the end.

    All of it may be repeated from its start. Nobody is admitted to a campaign before it is
    reopened, and only on the run of the server that all of it was restored on.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def run_of(self, campaign_id: str) -> str:
        """Return the run_id of the server that holds this campaign; "" without epochs."""
        return self._scripts.run_id_of(CampaignKeys.of(campaign_id).campaign)

    def run_of_epoch(self) -> str:
        """Return the run_id of the server that holds the epoch; "" without epochs."""
        return self._scripts.run_id_of(EPOCH)

    def restore(self, campaign_id: str, accepted: Sequence[CouponAccepted]) -> int:
        """Put back what Redis does not know; return how many that were."""
        keys = CampaignKeys.of(campaign_id).all()
        restored = 0
        for start in range(0, len(accepted), BATCH):
            args: list[str | int] = []
            for coupon in accepted[start : start + BATCH]:
                args += [coupon.user_id, coupon.serial, coupon.admitted_at_ms]
            restored += self._scripts.run(RESTORE, keys, *args)
        return restored

    def release_gaps(self, campaign_id: str, run_id: str) -> int:
        """Give back the serials below the count that nobody holds; return how many.

        They belonged to admissions that Redis forgot and that reached neither Kafka nor MySQL,
        so their users were never told ACCEPTED.
        """
        keys = CampaignKeys.of(campaign_id)
        released = 0
        for gap in self._gaps(keys):
            for start in range(gap.start, gap.stop, BATCH):
                serials = range(start, min(start + BATCH, gap.stop))
                released += self._scripts.run(RELEASE, keys.all(), run_id, *serials)
        return released

    def reopen(self, campaign: Campaign, run_id: str) -> None:
        """Open the campaign; raise StaleStateError when Redis is no longer the one of `run_id`."""
        self._scripts.command("SADD", CAMPAIGNS, campaign.id)
        answer = self._scripts.run(
            REOPEN,
            [CampaignKeys.of(campaign.id).campaign],
            self._scripts.run_id,
            run_id,
            campaign.quantity,
            campaign.opens_at_ms,
            campaign.closes_at_ms,
            campaign.name,
        )
        if answer == b"STALE":
            raise StaleStateError

    def renew_epoch(self, run_id: str) -> None:
        """Declare that this run of the server knows all campaigns; StaleStateError as above."""
        if not self._scripts.run(RENEW_EPOCH, [EPOCH], self._scripts.run_id, run_id):
            raise StaleStateError

    def _gaps(self, keys: CampaignKeys) -> Iterator[range]:
        """Yield the ranges of serials from 1 to the count that no applied user has."""
        following = 1
        count = int(self._scripts.command("GET", keys.coupon_count) or 0)
        while page := self._serials_from(keys, following):
            for serial in page:
                if serial > following:
                    yield range(following, serial)
                following = serial + 1
        if count >= following:
            yield range(following, count + 1)

    def _serials_from(self, keys: CampaignKeys, lowest: int) -> list[int]:
        found = self._scripts.command(
            *("ZRANGE", keys.applied_user, lowest, "+inf", "BYSCORE"),
            *("LIMIT", 0, BATCH, "WITHSCORES"),
        )
        return [int(score) for score in found[1::2]]
