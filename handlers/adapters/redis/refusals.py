"""The sums of refused applications in Redis, by campaign and reason; they may be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.errors import UnavailableError
from handlers.domain.refusal_counts import Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.adapters.redis.scripts import Call

COUNT_REFUSALS = Script("campaign/count_refusals")
GET_REFUSALS = Script("campaign/get_refusals")
SINCE = b"since_ms"


class RefusalStore:
    """Adds to the sums and reads them."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def add(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add counts by campaign and reason, in one round trip.

        Raises UnavailableError when Redis did not take all of it. The caller must not send the same
        again, since Redis may have counted it.
        """
        calls: list[Call] = []
        for campaign_id, by_reason in counts.items():
            keys = CampaignKeys.of(campaign_id)
            args = [word for pair in by_reason.items() for word in pair]
            calls.append(((keys.campaign, keys.refused), args))
        for reply in self._scripts.run_all(COUNT_REFUSALS, calls):
            if isinstance(reply, UnavailableError):
                raise reply

    def of(self, campaign_id: str) -> Refusals:
        """Return the sums of a campaign; raise UnavailableError when Redis does not respond."""
        found = self._scripts.run(GET_REFUSALS, [CampaignKeys.of(campaign_id).refused])
        counts = {name: int(value) for name, value in zip(found[::2], found[1::2], strict=True)}
        since_ms = counts.pop(SINCE, None)
        by_reason = {name.decode(): count for name, count in sorted(counts.items())}
        return Refusals(since_ms, by_reason)
