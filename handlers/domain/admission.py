"""Redis's decision about one applicant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """Every answer of the admission script; the script spells them the same."""

    ACCEPTED = "ACCEPTED"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    SOLD_OUT = "SOLD_OUT"
    NOT_OPEN = "NOT_OPEN"
    CLOSED = "CLOSED"
    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many calls to one campaign are let through within a second; 0 for any number.

    per_user: calls that come too early or once more; admitted a user is only once.
    per_address: calls of an address, or of a network, as handlers/edge/http/client_ip.py tells them
        apart.
    """

    per_user: int = 0
    per_address: int = 0


UNLIMITED = RateLimits()


class Applicant(NamedTuple):
    """Somebody who wants a coupon of a campaign.

    address: where the call came from; "" where that is not known, and not counted.
    """

    campaign_id: str
    user_id: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """The outcome, with what belongs to it.

    serial: 1..quantity with ACCEPTED and ALREADY_APPLIED, else 0.
    admitted_at_ms: Redis's clock at the admission, while it is pending; 0 once it is settled, and
        with every other outcome.
    retry_in_ms: time to the opening with NOT_OPEN, and to the moment when calls count anew with
        TOO_MANY_REQUESTS, else 0.
    """

    outcome: Outcome
    serial: int = 0
    admitted_at_ms: int = 0
    retry_in_ms: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether somebody was admitted, now or before, whose coupon is not known to be written."""
        admitted = self.outcome in (Outcome.ACCEPTED, Outcome.ALREADY_APPLIED)
        return admitted and self.admitted_at_ms > 0
