"""Campaigns in Redis: opened from MySQL, read by the HTTP handlers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.campaign_hash import from_values, to_pairs
from handlers.adapters.redis.keys import CAMPAIGNS, CampaignKeys
from handlers.adapters.redis.scripts import Call, Script, Scripts
from handlers.domain.campaign import CampaignStatus
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from handlers.domain.campaign import Campaign


OPEN = Script("campaign/open")
LIST = Script("campaign/list")
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
        """Write a campaign that exists in MySQL to Redis; harmless when it is there.

        created: it is new, so it has no applicants yet. Raises StaleStateError when Redis may have
        lost winners of it.
        """
        keys: tuple[str, ...] = CampaignKeys.of(campaign.id).all()
        if not self._scripts.is_cluster:
            keys = (*keys, self._scripts.epoch_key)
        elif not created:
            # One script cannot read both the epoch and the campaign. Between two scripts Redis may
            # lose everything, so only the rebuild opens a campaign that is not open already.
            self._require_open(campaign.id)
        # First the list, then the campaign: readers skip one that is listed but does not exist.
        self._require_epoch()
        self._scripts.command("SADD", CAMPAIGNS, campaign.id)
        reply = self._scripts.run(
            OPEN,
            keys,
            self._scripts.checks_epoch,
            campaign.fence,
            *to_pairs(campaign),
        )
        if reply == b"STALE":
            raise StaleStateError

    def ids(self) -> Sequence[str]:
        """Return the ids of all campaigns, sorted; StaleStateError when Redis has lost them."""
        return self.look(())[0]

    def look(self, wanted: Sequence[str]) -> tuple[Sequence[str], Mapping[str, CampaignStatus]]:
        """Return all ids, sorted, and the statuses of those wanted that exist, in one round trip.

        Raises StaleStateError when Redis may have lost a campaign, UnavailableError when a server
        that has one of them gives no answer.
        """
        checks = self._scripts.checks_epoch
        calls: list[tuple[Script, Call]] = [
            (STATUS, (CampaignKeys.of(one).all(), (checks,))) for one in wanted
        ]
        # The list last: a single server that knows its epoch then had it when it was asked before.
        listing = (self._scripts.epoch_key, CAMPAIGNS), (checks,)
        *replies, listed = (_sure(one) for one in self._scripts.run_each([*calls, (LIST, listing)]))
        missing = [one for one, reply in zip(wanted, replies, strict=True) if len(reply) == 1]
        if missing and self._scripts.is_cluster:
            self._require_unlisted(missing)
        statuses = {
            one: _status(one, reply)
            for one, reply in zip(wanted, replies, strict=True)
            if len(reply) > 1
        }
        return sorted(one.decode() for one in listed[1:]), statuses

    def glance(
        self, wanted: Sequence[str]
    ) -> tuple[Mapping[str, CampaignStatus], AbstractSet[str]]:
        """Return the statuses of those wanted that are open, and the ids that are surely listed.

        One round trip. Leaves out what is not sure, and what a server gives no answer about.
        """
        checks = self._scripts.checks_epoch
        calls: list[tuple[Script, Call]] = [
            (STATUS, (CampaignKeys.of(one).all(), (checks,))) for one in wanted
        ]
        listing = (self._scripts.epoch_key, CAMPAIGNS), (checks,)
        *replies, listed = self._scripts.run_each([*calls, (LIST, listing)])
        statuses: dict[str, CampaignStatus] = {}
        for one, reply in zip(wanted, replies, strict=True):
            # Of a newer version of the service, or written by hand: it is not sure either.
            with suppress(UnavailableError):
                if _sure(reply)[0] == b"OK":
                    statuses[one] = _status(one, reply)
        is_sure = not isinstance(listed, UnavailableError) and listed[0] == b"LISTED"
        return statuses, {one.decode() for one in listed[1:]} if is_sure else set()

    def status(self, campaign_id: str) -> CampaignStatus:
        """Return one campaign; raise CampaignNotFoundError or StaleStateError."""
        keys = CampaignKeys.of(campaign_id).all()
        reply = self._ask(STATUS, campaign_id, keys, self._scripts.checks_epoch)
        return _status(campaign_id, reply)

    def applied(self, campaign_id: str, user_id: str) -> UserAdmission | None:
        """Return this user's admission, None when they have not applied."""
        keys = CampaignKeys.of(campaign_id)
        code, serial, admitted_at_ms = self._ask(
            GET_ADMISSION,
            campaign_id,
            keys.all(),
            user_id,
            self._scripts.checks_epoch,
        )
        if code == b"NOT_APPLIED":
            return None
        return UserAdmission(serial, int(float(admitted_at_ms)) if admitted_at_ms else None)

    def ping(self) -> None:
        """Raise UnavailableError unless Redis responds and knows its epoch."""
        self._require_epoch()

    def _require_unlisted(self, missing: Sequence[str]) -> None:
        """In a cluster another server has lost a campaign that is listed and not there."""
        for reason in self._scripts.why_missing(missing):
            if reason:
                raise reason

    def _require_open(self, campaign_id: str) -> None:
        try:
            self.status(campaign_id)
        except CampaignNotFoundError:
            raise StaleStateError from None

    def _ask(self, script: Script, campaign_id: str, keys: Sequence[str], *args: Any) -> Any:
        """Return a script's reply; raise StaleStateError or CampaignNotFoundError for its code."""
        reply = self._scripts.run(script, keys, *args)
        if reply[0] == b"NOT_FOUND":
            [reason] = self._scripts.why_missing([campaign_id])
            if reason:
                raise reason
            reply = self._scripts.run(script, keys, *args)
        if reply[0] == b"STALE":
            raise StaleStateError
        if reply[0] == b"NOT_FOUND":
            raise CampaignNotFoundError
        return reply

    def _require_epoch(self) -> None:
        if not self._scripts.epoch_is_known():
            raise StaleStateError


def _sure(reply: Any) -> Any:
    """Return a reply of STATUS or LIST; raise the error that it is, or StaleStateError."""
    if isinstance(reply, UnavailableError):
        raise reply
    if reply[0] == b"STALE":
        raise StaleStateError
    return reply


def _status(campaign_id: str, reply: Sequence[Any]) -> CampaignStatus:
    _, fence, admitted, pending, remaining, oldest_pending_ms, now_ms, *values, change = reply
    campaign = from_values(campaign_id, fence, values)
    oldest = int(float(oldest_pending_ms)) if oldest_pending_ms else None
    noted = (change or b"").decode()
    return CampaignStatus(campaign, admitted, pending, remaining, oldest, now_ms, noted)
