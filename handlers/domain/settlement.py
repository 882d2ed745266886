"""What MySQL has taken over, told to Redis after the commit."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class SettledAs(StrEnum):
    """Where an admission is durable now; the settle script spells these the same."""

    COUPON = "coupon"  # its coupon row stands
    FAILED_EVENT = "failed_event"  # its failed_event row stands


class Settlement(NamedTuple):
    """One admission that need not be pending any longer."""

    campaign_id: str
    user_id: str
    serial: int
    state: SettledAs
