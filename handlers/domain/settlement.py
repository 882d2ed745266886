"""What MySQL has stored, reported to Redis after the commit."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class SettledAs(StrEnum):
    """The table that has an admission now; settle.lua uses the same values."""

    COUPON = "coupon"
    FAILED_EVENT = "failed_event"


class Settlement(NamedTuple):
    """One admission that is not pending any longer.

    fence: of the record in failed_event; it settles no admission of another fence. 0: of any.
    """

    campaign_id: str
    user_id: str
    serial: int
    state: SettledAs
    fence: int = 0
