"""Returned places in Redis: raises what a campaign may give, return by return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.scripts import Call, Script, Scripts
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError
from handlers.domain.returned_places import AppliedReturns, ReturnsOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.returned_places import Returns

RETURN_PLACES = Script("campaign/return_places")
PLACES = Script("campaign/places")

# Some times as long as a caller waits before it comes again; after a return no process caches a
# rejection for so long.
ANNOUNCED_MS = 5000


class PlacesInRedis:
    """All raise UnavailableError without Redis, StaleStateError while it is not sure."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def numbers(self, campaign_ids: Sequence[str]) -> list[int | UnavailableError]:
        """Return how many returns Redis knows of, campaign by campaign, in one round trip."""
        checks = self._scripts.checks_epoch
        calls: list[Call] = [((CampaignKeys.of(one).campaign,), (checks,)) for one in campaign_ids]
        return [_number(reply) for reply in self._scripts.run_all(PLACES, calls)]

    def apply_returns(self, returns: Returns, *, waited: bool) -> AppliedReturns:
        """Let Redis know of the next returns; may be repeated.

        waited: the caller got WAIT before, and has waited until no process has a rejection in its
        cache. Raises CampaignNotFoundError where Redis has no such campaign.
        """
        pairs = [part for pair in returns.given_back for part in pair]
        code, *number = self._scripts.run(
            RETURN_PLACES,
            CampaignKeys.of(returns.campaign_id).all(),
            self._scripts.checks_epoch,
            returns.before,
            returns.after,
            ANNOUNCED_MS,
            "1" if waited else "",
            *pairs,
        )
        if not number:
            raise StaleStateError if code == b"STALE" else CampaignNotFoundError
        return AppliedReturns(ReturnsOutcome(code.decode()), number[0])


def _number(reply: list[bytes | int] | UnavailableError) -> int | UnavailableError:
    if isinstance(reply, UnavailableError):
        return reply
    return int(reply[1]) if len(reply) > 1 else StaleStateError()
