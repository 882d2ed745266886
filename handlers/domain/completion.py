"""Carries out changes of campaigns, and completes those that a process left half-done.

A change takes three steps, and the process that makes it may be killed after each: it is noted in
Redis, with what it narrows; made in MySQL; pushed to Redis. From the first step on any process can
go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from handlers.domain.campaign import CampaignState
from handlers.domain.campaign_change import CampaignChange, Noted, is_same
from handlers.domain.errors import (
    CampaignNotClosedError,
    CampaignNotFoundError,
    CampaignNotSettledError,
    ChangeUnderWayError,
    InvalidRequestError,
    PreconditionFailedError,
    QuantityTooLowError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from handlers.domain.campaign import Campaign, CampaignStatus

# MySQL will never make such a change.
REFUSED = (
    PreconditionFailedError,
    QuantityTooLowError,
    CampaignNotFoundError,
    InvalidRequestError,
)


class StoredCampaigns(Protocol):
    """The campaigns in MySQL."""

    def campaign(self, campaign_id: str) -> Campaign | None:
        """Return one campaign, also once archived; None when it does not exist."""

    def counts(self, campaign_id: str) -> tuple[int, int]:
        """Return the number of coupons and of unresolved records in failed_event."""


class ShownCampaigns(Protocol):
    """The campaigns in Redis."""

    def status(self, campaign_id: str) -> CampaignStatus:
        """Return one campaign; raise CampaignNotFoundError or StaleStateError."""

    def glance(
        self, wanted: Sequence[str]
    ) -> tuple[Mapping[str, CampaignStatus], AbstractSet[str]]:
        """Return the statuses of those wanted that are open, and the ids that are surely listed."""


class StoredChanges(Protocol):
    """Changes in MySQL."""

    def make(self, campaign_id: str, change: CampaignChange, noted: Noted) -> Campaign:
        """Make a change that is noted in Redis; return the campaign afterwards."""

    def archive(self, seen: Campaign, actor: str) -> None:
        """Archive a campaign that Redis shows as `seen`."""


class ShownChanges(Protocol):
    """Changes in Redis."""

    def narrow(self, campaign_id: str, change: CampaignChange) -> Noted:
        """Note a change, and take what it narrows."""

    def push(self, campaign: Campaign, given_up: str = "") -> None:
        """Let Redis have a row of MySQL, unless it has a later one or a change of this one."""

    def forget(self, campaign_id: str) -> None:
        """Remove a campaign that was archived."""


class Completion:
    """Each call may be repeated, in any process."""

    def __init__(
        self,
        campaigns: tuple[StoredCampaigns, ShownCampaigns],
        changes: tuple[StoredChanges, ShownChanges],
        note: Callable[[Campaign, ServiceError | None], None] = lambda *_: None,
    ) -> None:
        """note: called with a campaign that `complete` has completed, or why it could not."""
        self._stored, self._shown = campaigns
        self._in_mysql, self._in_redis = changes
        self._note = note

    def carry_out(self, campaign_id: str, change: CampaignChange) -> Campaign:
        """Make a change; return the campaign afterwards.

        Raises what `ShownChanges.narrow` and `StoredChanges.make` do; then nothing has changed.
        After an UnavailableError the change may still be made.
        """
        try:
            noted = self._in_redis.narrow(campaign_id, change)
        except ChangeUnderWayError:
            self.conform(campaign_id)
            noted = self._in_redis.narrow(campaign_id, change)
        return self._go_on(campaign_id, change, noted)

    def archive(self, campaign_id: str, actor: str) -> None:
        """Take a campaign out of Redis, and off the list; MySQL keeps it.

        MySQL first: a process that is killed afterwards leaves what `complete` finds. Raises
        CampaignNotClosedError, CampaignNotSettledError, PreconditionFailedError.
        """
        self.conform(campaign_id)
        status = self._shown.status(campaign_id)
        if status.state is not CampaignState.CLOSED:
            raise CampaignNotClosedError
        issued, failed = self._stored.counts(campaign_id)
        if status.pending or failed or status.admitted != issued:
            message = (
                f"{status.pending} admissions are pending, {failed} records have failed, and Redis "
                f"has {status.admitted} admissions where MySQL has {issued} coupons"
            )
            raise CampaignNotSettledError(message)
        self._in_mysql.archive(status.campaign, actor)
        self._in_redis.forget(campaign_id)

    def conform(self, campaign_id: str) -> None:
        """Let Redis have what MySQL has; complete a change that is noted.

        Raises ServiceError unless that is so afterwards.
        """
        campaign = self._stored.campaign(campaign_id)
        status = self._shown.status(campaign_id)
        if campaign and not campaign.archived and is_unfinished(campaign, status):
            self._complete(campaign, status)

    def complete(self, campaigns: Sequence[Campaign]) -> None:
        """Complete what is unfinished of all campaigns of MySQL, and forget those archived.

        Normally one round trip to Redis. What cannot be completed now is noted, and is tried again
        by the next call.
        """
        ids = [campaign.id for campaign in campaigns]
        statuses, listed = self._shown.glance(ids)
        for campaign in campaigns:
            status = statuses.get(campaign.id)
            if status and is_unfinished(campaign, status):
                self._try_to_complete(campaign, status)
        for campaign_id in listed - set(ids):
            found = self._stored.campaign(campaign_id)
            if found and found.archived:
                self._in_redis.forget(campaign_id)

    def _try_to_complete(self, campaign: Campaign, status: CampaignStatus) -> None:
        try:
            self._complete(campaign, status)
        except ServiceError as error:
            self._note(campaign, error)
        else:
            self._note(campaign, None)

    def _complete(self, campaign: Campaign, status: CampaignStatus) -> None:
        change = CampaignChange.parse(status.change) if status.change else None
        if change and change.base == campaign.version:
            noted = Noted(status.campaign.fence, status.campaign.closes_at_ms)
            self._go_on(campaign.id, change, noted)
        else:
            self._in_redis.push(campaign)

    def _go_on(self, campaign_id: str, change: CampaignChange, noted: Noted) -> Campaign:
        """Make a change that is noted in MySQL, then in Redis."""
        try:
            after = self._in_mysql.make(campaign_id, change, noted)
        except REFUSED:
            found = self._stored.campaign(campaign_id)
            if found and not found.archived:
                self._in_redis.push(found, given_up=change.text)
            raise
        self._in_redis.push(after)
        return after


def is_unfinished(campaign: Campaign, status: CampaignStatus) -> bool:
    """Return whether Redis should have what MySQL has and does not, as after an UPDATE by hand.

    A version of Redis that is above was made since MySQL was read.
    """
    in_redis = status.campaign
    if in_redis.version > campaign.version:
        return False
    is_older = in_redis.version < campaign.version
    return bool(status.change) or is_older or not is_same(campaign, in_redis)
