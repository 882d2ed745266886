"""Campaigns as Redis holds them: opened from MySQL, read for everyone's eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.keys import CAMPAIGNS, EPOCH, CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.domain.errors import CampaignNotFoundError, StaleStateError

if TYPE_CHECKING:
    from collections.abc import Sequence

OPEN = Script("campaign/open")
STATUS = Script("campaign/status")
GET_ADMISSION = Script("campaign/get_admission")


@dataclass(frozen=True, slots=True)
class UserAdmission:
    """A user's admission as Redis knows it; admitted_at_ms is None once it is settled."""

    serial: int
    admitted_at_ms: int | None


class RedisCampaigns:
    """Opens campaigns in Redis and reads them."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def open(self, campaign: Campaign, *, created: bool) -> None:
        """Put a campaign that stands in MySQL into Redis; harmless when it is there.

        created: nobody can have applied to it yet. Raises StaleStateError when Redis may have
        forgotten winners of it.
        """
        keys: tuple[str, ...] = CampaignKeys.of(campaign.id).all()
        if not self._scripts.is_cluster:
            keys = (*keys, EPOCH)
        elif not created:
            # One script cannot see both the epoch and the campaign. Between two, Redis may lose
            # everything; so what is not open already is left to the rebuild.
            self._require_open(campaign.id)
        # First the list, then the campaign: one that is listed and not there is passed over.
        self._require_epoch()
        self._scripts.command("SADD", CAMPAIGNS, campaign.id)
        answer = self._scripts.run(
            OPEN,
            keys,
            self._scripts.run_id,
            campaign.quantity,
            campaign.opens_at_ms,
            campaign.closes_at_ms,
            campaign.name,
        )
        if answer == b"STALE":
            raise StaleStateError

    def ids(self) -> Sequence[str]:
        """Return the ids of all campaigns, sorted; StaleStateError when Redis has lost them."""
        self._require_epoch()
        members = self._scripts.command("SMEMBERS", CAMPAIGNS)
        return sorted(member.decode() for member in members)

    def status(self, campaign_id: str) -> CampaignStatus:
        """Return one campaign; CampaignNotFoundError, StaleStateError where there is none."""
        keys = CampaignKeys.of(campaign_id).all()
        answer = self._ask(STATUS, keys, self._scripts.run_id)
        name, quantity, opens_at_ms, closes_at_ms, *numbers = answer[1:]
        admitted, pending, remaining, oldest_pending_ms, now_ms = numbers
        campaign = Campaign(campaign_id, name.decode(), quantity, opens_at_ms, closes_at_ms)
        oldest = int(float(oldest_pending_ms)) if oldest_pending_ms else None
        return CampaignStatus(campaign, admitted, pending, remaining, oldest, now_ms)

    def applied(self, campaign_id: str, user_id: str) -> UserAdmission | None:
        """Return this user's admission, None when they have not applied."""
        keys = CampaignKeys.of(campaign_id)
        code, serial, admitted_at_ms = self._ask(
            GET_ADMISSION,
            [keys.campaign, keys.applied_user, keys.pending],
            user_id,
            self._scripts.run_id,
        )
        if code == b"NOT_APPLIED":
            return None
        return UserAdmission(serial, int(float(admitted_at_ms)) if admitted_at_ms else None)

    def ping(self) -> None:
        """Raise UnavailableError unless Redis answers and knows its epoch."""
        self._require_epoch()

    def _require_open(self, campaign_id: str) -> None:
        try:
            self.status(campaign_id)
        except CampaignNotFoundError:
            raise StaleStateError from None

    def _ask(self, script: Script, keys: Sequence[str], *args: Any) -> Any:
        """Return a script's answer; StaleStateError, CampaignNotFoundError where it has none."""
        answer = self._scripts.run(script, keys, *args)
        if answer[0] == b"NOT_FOUND":
            # Missing, or not yet rebuilt? It is missing if it still is once the epoch is known.
            self._require_epoch()
            answer = self._scripts.run(script, keys, *args)
        if answer[0] == b"STALE":
            raise StaleStateError
        if answer[0] == b"NOT_FOUND":
            raise CampaignNotFoundError
        return answer

    def _require_epoch(self) -> None:
        if not self._scripts.epoch_is_known():
            raise StaleStateError
