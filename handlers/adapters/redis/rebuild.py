"""Restores campaigns in a Redis that restarted or lost its state."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from handlers.adapters.redis.campaign_hash import to_pairs
from handlers.adapters.redis.keys import CAMPAIGNS, CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.errors import StaleStateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.domain.campaign import Campaign
    from handlers.domain.coupon import CouponAccepted

REQUIRE_PRIMARY = Script("rebuild/require_primary")
BEGIN = Script("rebuild/begin")
BEGIN_EPOCH = Script("rebuild/begin_epoch")
LOAD = Script("rebuild/load")
RETURN_SERIALS = Script("rebuild/return_serials")
REOPEN = Script("rebuild/reopen")
RENEW_EPOCH = Script("rebuild/renew_epoch")

# A script blocks every other client of the server: about a millisecond's work each.
BATCH = 1000


class RedisRebuild:
    """The list, then each campaign: begin, restore, release, reopen; the epoch at the end.

    All of it may be repeated from its start. No applicant is admitted before the campaign is
    reopened, and it is reopened only when all steps ran in one history of the server, without a
    flush in between, in the rebuild with the highest fence (StaleStateError otherwise).
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def require_primary(self, campaign_id: str) -> None:
        """Raise UnavailableError unless the server of a campaign takes writes.

        A primary that is cut off does not; then the client looks for another one first.
        """
        self._scripts.run(REQUIRE_PRIMARY, [CampaignKeys.of(campaign_id).campaign])

    def begin(self, campaign_id: str, fence: int, erased_users: int = 0) -> bool:
        """Close a campaign and take it over; False when a rebuild with a higher fence has it."""
        key, erased = CampaignKeys.of(campaign_id).campaign, erased_users or ""
        reply = self._scripts.run(BEGIN, [key], self._scripts.checks_epoch, fence, erased)
        if reply == b"STALE":
            raise StaleStateError
        return bool(reply == b"BEGUN")

    def lists_all(self, campaign_ids: Sequence[str]) -> bool:
        """Return whether the epoch is known, and in a cluster these campaigns are listed.

        A single server has listed whatever it has opened. In a cluster a campaign may have been
        opened while the server of the list did not respond.
        """
        asked = campaign_ids if self._scripts.is_cluster else ()
        # At least once, for the epoch.
        return all(
            self._scripts.lists_all(asked[start : start + BATCH])
            for start in range(0, max(1, len(asked)), BATCH)
        )

    def begin_epoch(self) -> str:
        """Take the epoch over where it is unknown; return the token for `renew_epoch`."""
        token = uuid.uuid4().hex
        keys = [self._scripts.epoch_key]
        if self._scripts.run(BEGIN_EPOCH, keys, self._scripts.checks_epoch, token) < 0:
            raise StaleStateError
        return token

    def restore(
        self,
        campaign_id: str,
        accepted: Sequence[CouponAccepted],
        fence: int,
        *,
        pending: bool,
    ) -> int:
        """Write back what is durable elsewhere; return how many admissions Redis did not have.

        It overwrites what Redis holds, so the source with the highest precedence comes last.
        pending: these are still on their way to MySQL.
        """
        keys = CampaignKeys.of(campaign_id).all()
        restored = 0
        for start in range(0, len(accepted), BATCH):
            args: list[str | int] = []
            for coupon in accepted[start : start + BATCH]:
                args += [coupon.user_id, coupon.serial, coupon.admitted_at_ms if pending else 0]
            restored += self._run(LOAD, keys, fence, *args)
        return restored

    def serials_of(self, campaign_id: str, users: Sequence[str]) -> list[int]:
        """Return the serial of each of `users` at this moment, 0 where Redis does not know them."""
        key, found = CampaignKeys.of(campaign_id).applied_user, list[int]()
        for start in range(0, len(users), BATCH):
            scores = self._scripts.command("ZMSCORE", key, *users[start : start + BATCH])
            found += [int(float(score or 0)) for score in scores]
        return found

    def release_gaps(self, campaign_id: str, fence: int) -> int:
        """Give back the serials up to the count that no user holds; return how many.

        They belonged to admissions that Redis lost and that reached neither Kafka nor MySQL,
        so their users never got ACCEPTED. Those above the count are still to be given out.
        """
        keys = CampaignKeys.of(campaign_id)
        released = 0
        for gap in self._gaps(keys):
            for start in range(gap.start, gap.stop, BATCH):
                serials = range(start, min(start + BATCH, gap.stop))
                released += self._run(RETURN_SERIALS, keys.all(), fence, *serials)
        return released

    def reopen(self, campaign: Campaign, fence: int) -> None:
        """Open the campaign in the present history; it has been listed where the list responds."""
        # It may be lost; and an old copy of Redis may name users in it who were erased since.
        self._scripts.command("UNLINK", CampaignKeys.of(campaign.id).resent)
        reply = self._scripts.run(
            REOPEN,
            CampaignKeys.of(campaign.id).all(),
            self._scripts.checks_epoch,
            fence,
            *to_pairs(campaign),
        )
        if reply == b"STALE":
            raise StaleStateError

    def add_to_list(self, campaign_ids: Sequence[str]) -> None:
        """List campaigns of MySQL; harmless for one that is not open yet."""
        for start in range(0, len(campaign_ids), BATCH):
            self._scripts.command("SADD", CAMPAIGNS, *campaign_ids[start : start + BATCH])

    def renew_epoch(self, token: str, campaign_ids: Sequence[str]) -> None:
        """Declare that this history has all campaigns, and that these are listed."""
        self.add_to_list(campaign_ids)
        keys = [self._scripts.epoch_key]
        if not self._scripts.run(RENEW_EPOCH, keys, self._scripts.checks_epoch, token):
            raise StaleStateError

    def _run(self, script: Script, keys: Sequence[str], fence: int, *args: str | int) -> int:
        done = int(self._scripts.run(script, keys, self._scripts.checks_epoch, fence, *args))
        if done < 0:
            raise StaleStateError
        return done

    def _gaps(self, keys: CampaignKeys) -> Iterator[range]:
        """Yield the ranges of serials from 1 to the count that no applied user has."""
        following = 1
        count = int(self._scripts.command("GET", keys.coupon_count) or 0)
        while page := self._serials(keys, following, count):
            for serial in page:
                if serial > following:
                    yield range(following, serial)
                following = serial + 1
        if count >= following:
            yield range(following, count + 1)

    def _serials(self, keys: CampaignKeys, lowest: int, highest: int) -> list[int]:
        found = self._scripts.command(
            *("ZRANGE", keys.applied_user, lowest, highest, "BYSCORE"),
            *("LIMIT", 0, BATCH, "WITHSCORES"),
        )
        return [int(score) for score in found[1::2]]
