"""What MySQL has taken over, told to Redis after the commit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Holder(StrEnum):
    """Where an admission is durable now; the settle script spells these the same."""

    ISSUED = "issued"  # its coupon row stands
    KEPT = "kept"  # its failed_event row stands


@dataclass(frozen=True, slots=True)
class Settlement:
    """One admission that need not be pending any longer."""

    campaign_id: str
    user_id: str
    serial: int
    state: Holder
