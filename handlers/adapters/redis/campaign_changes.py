"""Changes of campaigns in Redis: what narrows before MySQL, all of it afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.campaign_hash import COUNTED, to_pairs
from handlers.adapters.redis.keys import CAMPAIGNS, CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.campaign_change import Noted
from handlers.domain.errors import (
    AlreadyOpenedError,
    CampaignNotFoundError,
    ChangeUnderWayError,
    InvalidRequestError,
    PreconditionFailedError,
    QuantityTooLowError,
    StaleStateError,
)
from handlers.domain.rejection_cache import EXPIRED_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.domain.campaign import Campaign
    from handlers.domain.campaign_change import CampaignChange

NARROW = Script("change/narrow")
PUSH = Script("change/push")

EXPIRED_MS = int(EXPIRED_S * 1000)


class RedisCampaignChanges:
    """Each call may be repeated. All raise UnavailableError without Redis."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def narrow(self, campaign_id: str, change: CampaignChange) -> Noted:
        """Note a change, and take what it narrows.

        Raises PreconditionFailedError for another version, ChangeUnderWayError while another
        change is noted, AlreadyOpenedError, QuantityTooLowError, InvalidRequestError,
        CampaignNotFoundError, StaleStateError; then nothing is noted.
        """
        code, *reply = self._scripts.run(
            NARROW,
            CampaignKeys.of(campaign_id).all(),
            self._scripts.checks_epoch,
            change.base,
            change.text,
            _or_blank(change.quantity),
            _or_blank(change.opens_at_ms),
            _or_blank(change.closes_at_ms),
            "" if change.paused is None else str(int(change.paused)),
        )
        if code == b"NARROWED":
            return Noted(*reply)
        raise self._refusal(campaign_id, code, reply)

    def push(self, campaign: Campaign, given_up: str = "") -> None:
        """Let Redis have a row of MySQL, unless it has a later one or a change of this one.

        given_up: the text of a noted change that MySQL has refused. Takes EXPIRED_S longer where
        the campaign may admit again. Raises CampaignNotFoundError, StaleStateError.
        """
        while True:
            code, *reply = self._scripts.run(
                PUSH,
                [CampaignKeys.of(campaign.id).campaign],
                self._scripts.checks_epoch,
                campaign.version,
                campaign.quantity,
                campaign.closes_at_ms,
                given_up,
                EXPIRED_MS,
                *to_pairs(campaign, leave_out=COUNTED),
            )
            if code in {b"NOT_FOUND", b"STALE"}:
                raise self._refusal(campaign.id, code, reply)
            if code != b"WAIT":
                return
            time.sleep(reply[0] / 1000)

    def forget(self, campaign_id: str) -> None:
        """Remove a campaign that was archived: its keys, then its id from the list."""
        keys = CampaignKeys.of(campaign_id)
        self._scripts.command("UNLINK", *keys.all(), keys.rate, keys.resent)
        self._scripts.command("SREM", CAMPAIGNS, campaign_id)

    def _refusal(self, campaign_id: str, code: bytes, reply: list[Any]) -> Exception:
        if code == b"NOT_FOUND":
            [reason] = self._scripts.why_missing([campaign_id])
            return reason or CampaignNotFoundError()
        if code == b"TOO_LOW":
            return QuantityTooLowError.of(*reply)
        return REFUSALS[code]()


def _or_blank(value: int | None) -> int | str:
    return "" if value is None else value


REFUSALS: dict[bytes, Callable[[], Exception]] = {
    b"STALE": StaleStateError,
    b"CHANGED": PreconditionFailedError,
    b"BUSY": ChangeUnderWayError,
    b"OPENED": AlreadyOpenedError,
    b"WINDOW": lambda: InvalidRequestError("closes_at: must be later than opens_at"),
}
