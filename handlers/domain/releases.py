"""Releases: the coupons of a campaign that become available in stages.

MySQL and Redis hold them as one text, which the scripts read as well (admission/released.lua).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handlers.domain import times
from handlers.domain.errors import InvalidRequestError, UnavailableError
from handlers.domain.fields import time_ms, whole

if TYPE_CHECKING:
    from handlers.domain.campaign import Campaign

RELEASES_MAX = 100  # their text fits the column
TEXTS_CACHED = 256
MEMBERS = {"at", "quantity"}


@dataclass(frozen=True, slots=True)
class Releases:
    """The stages in their order, each its time in ms and how many coupons it adds.

    From the last one on all coupons are released, also where the quantity was changed since then.
    """

    text: str = ""  # JSON [[at_ms, quantity], …] without blanks; "": all at the opening
    steps: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    @classmethod
    def from_request(cls, value: object, campaign: Campaign) -> Releases:
        """Check `releases` of a campaign's request; raise InvalidRequestError."""
        if not isinstance(value, list) or not 1 <= len(value) <= RELEASES_MAX:
            message = f"releases: must be a list of 1 to {RELEASES_MAX} objects"
            raise InvalidRequestError(message)
        found = sorted(_step(index, step, campaign.quantity) for index, step in enumerate(value))
        _check(found, campaign)
        return cls.parse(json.dumps(found, separators=(",", ":")))

    @staticmethod
    @lru_cache(TEXTS_CACHED)
    def parse(text: str) -> Releases:
        """Read the text of a store; raise UnavailableError for one that the service never wrote."""
        if not text:
            return NO_RELEASES
        try:
            return Releases(text, tuple((int(at_ms), int(add)) for at_ms, add in json.loads(text)))
        except (ValueError, TypeError) as error:
            message = "This campaign has releases that this version of the service cannot read."
            raise UnavailableError(message) from error

    def released(self, quantity: int, now_ms: int) -> int:
        """Return how many of `quantity` coupons are released at a time."""
        if not self.steps or now_ms >= self.steps[-1][0]:
            return quantity
        return min(quantity, sum(add for at_ms, add in self.steps if at_ms <= now_ms))

    def next_at_ms(self, quantity: int, closes_at_ms: int, now_ms: int) -> int | None:
        """Return when the next release is, None when none follows before the end."""
        is_all = self.released(quantity, now_ms) == quantity
        later = (at_ms for at_ms, _ in self.steps if now_ms < at_ms < closes_at_ms)
        return None if is_all else next(later, None)

    def to_json(self) -> list[dict[str, Any]]:
        """Return them in the form of the HTTP interface."""
        return [{"at": times.to_iso(at_ms), "quantity": add} for at_ms, add in self.steps]


NO_RELEASES = Releases()


def _step(index: int, value: object, highest: int) -> tuple[int, int]:
    name = f"releases[{index}]"
    if not isinstance(value, dict) or value.keys() != MEMBERS:
        message = f"{name}: must be an object with at and quantity, and nothing else"
        raise InvalidRequestError(message)
    at_ms = time_ms(f"{name}.at", value["at"])
    return at_ms, whole(f"{name}.quantity", value["quantity"], 1, highest)


def _check(steps: list[tuple[int, int]], campaign: Campaign) -> None:
    ats = [at_ms for at_ms, _ in steps]
    if len(set(ats)) < len(ats):
        message = "releases: two of them are at the same time"
        raise InvalidRequestError(message)
    if ats[0] < campaign.opens_at_ms or ats[-1] >= campaign.closes_at_ms:
        message = "releases: each must be from opens_at on and before closes_at"
        raise InvalidRequestError(message)
    total = sum(add for _, add in steps)
    if total != campaign.quantity:
        message = f"releases: their quantities add up to {total}, not to {campaign.quantity}"
        raise InvalidRequestError(message)
