"""The calls that the cases are made of, about one set of campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.parity.events import http
from tests.support.service import ADMIN, campaign_body, mint

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings

API = "app.app"
HOUR_S = 3600.0


@dataclass(frozen=True)
class Case:
    """One event for one function, and the expected result: a status, or a word of the response."""

    name: str
    function: str
    event: dict[str, Any]
    expected: object


@dataclass(frozen=True)
class Change:
    """A change of the servers between two cases."""

    make: Callable[[Settings], None]


class Calls:
    """Makes cases about campaigns whose ids have one prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        windows = {"open": -60.0, "small": -60.0, "later": HOUR_S, "over": -2 * HOUR_S}
        self._bodies = {
            name: campaign_body(f"{prefix}-{name}", 1 if name == "small" else 9, opens_in, HOUR_S)
            for name, opens_in in windows.items()
        }
        limits = {"rate_per_address": 5, "eligibility": {"claim": "member", "equals": True}}
        self._bodies["members"] = campaign_body(f"{prefix}-members") | limits
        self._admin = mint("admin", ADMIN)
        self._users = {name: mint(name) for name in ("ann", "bob", "cho", "dee")}

    def _id(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _case(self, name: str, call: str, expected: int, **options: Any) -> Case:
        campaign = options.pop("campaign", "open" if "{id}" in call else None)
        event = http(call, campaign and self._id(campaign), **options)
        return Case(name, API, event, expected)

    def _user(self, name: str, call: str, expected: int, user: str, campaign: str = "open") -> Case:
        return self._case(name, call, expected, token=self._users[user], campaign=campaign)

    def _admin_call(self, name: str, call: str, expected: int, **options: Any) -> Case:
        return self._case(name, call, expected, token=self._admin, **options)
