"""Redis's decision about one applicant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """Every outcome of the admission script; admit.lua uses the same values."""

    ACCEPTED = "ACCEPTED"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    SOLD_OUT = "SOLD_OUT"
    NOT_OPEN = "NOT_OPEN"
    CLOSED = "CLOSED"
    NOT_FOUND = "NOT_FOUND"
    STALE = "STALE"
    NEXT_RELEASE = "NEXT_RELEASE"  # what was released is given; more follows
    PAUSED = "PAUSED"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    REFUSED = "REFUSED"  # by a rule of the campaign; the caller knows by which
    RULES = "RULES"  # the campaign has other rules than the caller has checked
    PSEUDONYM = "PSEUDONYM"  # the campaign has erased users, and the caller sent no pseudonym


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many calls to one campaign are allowed within a second; 0 for any number.

    per_user: calls that come too early or repeatedly; a user is admitted only once.
    per_address: calls of an address or a network, by the key of handlers/edge/http/client_ip.py;
        a campaign may have a limit of its own.
    """

    per_user: int = 0
    per_address: int = 0


UNLIMITED = RateLimits()


class Screening(NamedTuple):
    """What the caller has found out about an applicant.

    rules: the text of the campaign's rules that were checked, "" for none. is_refused: the
    applicant does not fulfil them, so is not admitted; who has been admitted keeps the serial.
    """

    rules: str = ""
    is_refused: bool = False


UNSCREENED = Screening()


class Applicant(NamedTuple):
    """A user who applies for a coupon of a campaign.

    address: the rate limit's key of the client; "" where it is not known, which is not counted.
    pseudonym: what the user is called where the user was erased; "" where that was not asked for.
    """

    campaign_id: str
    user_id: str
    address: str = ""
    screening: Screening = UNSCREENED
    pseudonym: str = ""


class Admission(NamedTuple):
    """The outcome and its values. A tuple, since apply makes one for each applicant.

    serial: 1..the campaign's last_serial with ACCEPTED and ALREADY_APPLIED, else 0.
    admitted_at_ms: Redis's clock at the admission, while it is pending; 0 once it is settled, and
        with every other outcome.
    fence: of the campaign, with ACCEPTED and ALREADY_APPLIED, else 0.
    retry_in_ms: time to the opening with NOT_OPEN, to the next release with NEXT_RELEASE, to the
        next rate window with TOO_MANY_REQUESTS, until it is worth asking again with PAUSED, else 0.
    rules: with RULES the text of the rules that hold, else "".
    """

    outcome: Outcome
    serial: int = 0
    admitted_at_ms: int = 0
    fence: int = 0
    retry_in_ms: int = 0
    rules: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether the user was admitted, now or before, and the coupon may not be in MySQL yet."""
        admitted = self.outcome in (Outcome.ACCEPTED, Outcome.ALREADY_APPLIED)
        return admitted and self.admitted_at_ms > 0
