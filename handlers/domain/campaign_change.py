"""A change of a campaign that an administrator asks for.

What it narrows is taken in Redis first, what it widens in MySQL first, so that Redis never gives a
coupon that MySQL refuses. Its text is noted in Redis until it is made, so that another process can
complete it (completion.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers.domain import times
from handlers.domain.campaign import OPTIONAL, QUANTITY_MAX, Campaign, campaign_json
from handlers.domain.campaign_name import campaign_name
from handlers.domain.errors import InvalidRequestError, UnavailableError
from handlers.domain.fields import time_ms, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = frozenset({"name", "quantity", "opens_at", "closes_at", "paused"})
FIXED = OPTIONAL | {"id"}
NOW = "now"
NOW_MS = 0  # a time that has passed: Redis takes its own clock instead


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """What is set, None where it stays.

    id: no other change has it. actor: the `sub` of the token. base: the version that it changes.
    closes_at_ms: one that has passed means now.
    """

    id: str
    actor: str
    base: int
    name: str | None = None
    quantity: int | None = None
    opens_at_ms: int | None = None
    closes_at_ms: int | None = None
    paused: bool | None = None

    @classmethod
    def from_request(
        cls, body: Mapping[str, object], change_id: str, actor: str, base: int
    ) -> CampaignChange:
        """Check a request's fields; raise InvalidRequestError naming the first bad one."""
        for other in sorted(body.keys() - FIELDS):
            what = "cannot be changed" if other in FIXED else "is no field of a campaign"
            message = f"{other[:64]!r} {what}"
            raise InvalidRequestError(message)
        if not body:
            message = f"body: must have one of {', '.join(sorted(FIELDS))}"
            raise InvalidRequestError(message)
        found: dict[str, Any] = {}
        if "name" in body:
            found["name"] = campaign_name(body["name"])
        if "quantity" in body:
            found["quantity"] = whole("quantity", body["quantity"], 1, QUANTITY_MAX)
        if "opens_at" in body:
            found["opens_at_ms"] = time_ms("opens_at", body["opens_at"])
        if "closes_at" in body:
            found["closes_at_ms"] = _end(body["closes_at"])
        if "paused" in body:
            found["paused"] = _paused(body["paused"])
        return cls(change_id, actor, base, **found)

    @property
    def text(self) -> str:
        """The text that is noted in Redis."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> CampaignChange:
        """Read `text`; raise UnavailableError for one that this version never wrote."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            message = "A change is noted that this version of the service cannot read."
            raise UnavailableError(message) from error

    def applied(self, before: Campaign, closes_at_ms: int | None = None) -> Campaign:
        """Return the campaign afterwards. closes_at_ms: the end in Redis once it is noted there.

        Raises InvalidRequestError for what cannot be.
        """
        after = replace(before, version=self.base + 1)
        if self.name is not None:
            after = replace(after, name=self.name)
        if self.quantity is not None:
            after = replace(after, quantity=self.quantity)
        if self.opens_at_ms is not None:
            after = replace(after, opens_at_ms=self.opens_at_ms)
        if self.closes_at_ms is not None:
            # Redis holds a later one where what was asked for had passed.
            after = replace(after, closes_at_ms=max(self.closes_at_ms, closes_at_ms or 0))
        if self.paused is not None:
            after = replace(after, paused=self.paused)
        if self.closes_at_ms != NOW_MS or closes_at_ms is not None:
            after.require_window()
        return after


class Noted(NamedTuple):
    """A change that is noted: the fence under which MySQL may make it, and the end in Redis."""

    fence: int
    closes_at_ms: int


def is_same(one: Campaign, other: Campaign) -> bool:
    """Return whether an administrator sees no difference, also none that a change has made."""
    return one == other and one.paused == other.paused


def changes_json(before: Campaign, after: Campaign) -> dict[str, dict[str, Any]]:
    """Return the fields that differ, before and after, in the form of the HTTP interface."""
    old, new = changeable_json(before), changeable_json(after)
    names = [name for name in new if old.get(name) != new[name]]
    return {
        "before": {"version": before.version} | {name: old.get(name) for name in names},
        "after": {"version": after.version} | {name: new[name] for name in names},
    }


def changeable_json(campaign: Campaign) -> dict[str, Any]:
    """Return all that an administrator has set, also afterwards."""
    return {**campaign_json(campaign), "paused": campaign.paused}


def _end(value: object) -> int:
    if value == NOW:
        return NOW_MS
    try:
        return times.from_iso(value) if isinstance(value, str) else times.from_iso("")
    except (ValueError, OverflowError) as error:
        message = 'closes_at: must be "now", or ISO 8601 with Z or an offset'
        raise InvalidRequestError(message) from error


def _paused(value: object) -> bool:
    if isinstance(value, bool):
        return value
    message = "paused: must be true or false"
    raise InvalidRequestError(message)
