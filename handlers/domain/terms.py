"""The terms of a campaign: what its coupons are worth, and when they can be used.

They are set with the campaign and never change. Admission does not read them: Redis holds them as
one text, to show them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handlers.domain import times
from handlers.domain.benefit import benefit_text
from handlers.domain.errors import InvalidRequestError, UnavailableError
from handlers.domain.fields import time_ms, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

USABLE_DAYS_MAX = 3660  # ten years
ZONE_LENGTH_MAX = 64  # as of the column
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)
TEXTS_CACHED = 256


@dataclass(frozen=True, slots=True)
class Terms:
    """Each "" or None where the campaign does not say it.

    benefit: JSON, names in order. usable_days: from the admission of a coupon on.
    time_zone: an IANA name, for pages.
    """

    benefit: str = ""
    usable_from_ms: int | None = None
    usable_until_ms: int | None = None
    usable_days: int | None = None
    time_zone: str = ""

    @classmethod
    def from_request(cls, body: Mapping[str, object]) -> Terms:
        """Check the optional fields of a campaign's request; raise InvalidRequestError."""
        terms = cls(
            benefit_text(body["benefit"]) if "benefit" in body else "",
            _time("usable_from", body),
            _time("usable_until", body),
            whole("usable_days", body["usable_days"], 1, USABLE_DAYS_MAX)
            if "usable_days" in body
            else None,
            _zone(body["time_zone"]) if "time_zone" in body else "",
        )
        if terms.usable_until_ms is not None and terms.usable_days is not None:
            message = "usable_days: not together with usable_until"
            raise InvalidRequestError(message)
        return terms

    def require_after(self, opens_at_ms: int) -> None:
        """Raise InvalidRequestError for coupons that could never be used."""
        if self.usable_until_ms is None:
            return
        if self.usable_until_ms <= max(opens_at_ms, self.usable_from_ms or 0):
            message = "usable_until: must be later than opens_at and usable_from"
            raise InvalidRequestError(message)

    @property
    def text(self) -> str:
        """All of it as JSON, "" where the campaign says nothing."""
        values = [self.benefit, self.usable_from_ms, self.usable_until_ms, self.usable_days]
        if self == NO_TERMS:
            return ""
        return json.dumps([*values, self.time_zone], ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    @lru_cache(TEXTS_CACHED)
    def parse(text: str) -> Terms:
        """Read `text`; raise UnavailableError for one that this version never wrote."""
        if not text:
            return NO_TERMS
        try:
            return Terms(*json.loads(text))
        except (ValueError, TypeError) as error:
            message = "This campaign has terms that this version of the service cannot read."
            raise UnavailableError(message) from error

    def to_json(self) -> dict[str, Any]:
        """Return them in the form of the HTTP interface, without what is not set."""
        shown: dict[str, Any] = {}
        if self.benefit:
            shown["benefit"] = json.loads(self.benefit)
        if self.usable_from_ms is not None:
            shown["usable_from"] = times.to_iso(self.usable_from_ms)
        if self.usable_until_ms is not None:
            shown["usable_until"] = times.to_iso(self.usable_until_ms)
        if self.usable_days is not None:
            shown["usable_days"] = self.usable_days
        if self.time_zone:
            shown["time_zone"] = self.time_zone
        return shown


NO_TERMS = Terms()


def _time(name: str, body: Mapping[str, object]) -> int | None:
    return time_ms(name, body[name]) if name in body else None


def _zone(value: object) -> str:
    is_name = isinstance(value, str) and len(value) <= ZONE_LENGTH_MAX and ZONE.fullmatch(value)
    # A machine may lack the database; then the form is all that can be checked.
    if is_name and isinstance(value, str) and value in (_zones() or {value}):
        return value
    message = "time_zone: must be a name of the IANA time zone database, e.g. Asia/Seoul"
    raise InvalidRequestError(message)


@lru_cache(1)
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - only a creation needs it

    return frozenset(available_timezones())
