"""What happened to a coupon, or to a campaign: who did it, why, and what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class EventKind(StrEnum):
    """What happened. That a coupon was issued is said by its row."""

    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    USED = "USED"
    CANCELLED = "CANCELLED"
    REVOKED = "REVOKED"
    GIVEN_BACK = "GIVEN_BACK"
    ERASED = "ERASED"
    CREATED = "CREATED"
    CHANGED = "CHANGED"
    ARCHIVED = "ARCHIVED"


@dataclass(frozen=True, slots=True)
class CouponEvent:
    """One change.

    serial: of the coupon; None where the campaign itself changed.
    actor: the `sub` of the token, or "" for the service itself.
    detail: as JSON in MySQL, e.g. the fields before and after.
    """

    kind: EventKind
    campaign_id: str
    serial: int | None
    actor: str
    order_id: str | None = None
    reason: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
