"""The kinds of difference between Redis, MySQL and failed_event, and how they are found.

Admitted (Redis) and issued (MySQL) are read by serial, page by page, and merged: a user who is
not in both under one serial is a candidate. Each candidate is then looked up by user, which shows
what is wrong, or that nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from handlers.domain import times
from handlers.domain.record import FailedStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from handlers.domain.reconciliation.serial_bitset import SerialBitset

Entry = tuple[int, str]  # serial, user id

# Details that decide how to repair; without counts, which may change between pass and recheck.
GIVEN_UP = "given up in failed_event"
NEVER_GIVEN_OUT = "given back without having been given out"
HELD_AND_RETURNED = "held, and given back as well"


class Kind(StrEnum):
    """Every kind of difference."""

    PENDING_STALE = "PENDING_STALE"  # pending for so long that the relay must have sent it
    MISSING_ROW = "MISSING_ROW"  # admitted, not pending; no row, and no failed event that waits
    MISSING_ADMISSION = "MISSING_ADMISSION"  # a row whose owner Redis does not know
    SERIAL_MISMATCH = "SERIAL_MISMATCH"  # a user's serials differ
    SERIAL_GAP = "SERIAL_GAP"  # given out, held by no user and not given back
    COUNT_MISMATCH = "COUNT_MISMATCH"  # Redis's counters contradict each other, or MySQL


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference. Equal to that of the recheck when nothing about it has changed."""

    kind: Kind
    user_id: str | None = None
    admitted_serial: int | None = None  # in Redis
    issued_serial: int | None = None  # in MySQL
    detail: str = ""


class Source(StrEnum):
    """The list in which a candidate was found."""

    PENDING = "PENDING"
    ADMITTED = "ADMITTED"
    ISSUED = "ISSUED"


# A user can be found in every source; each source reports its own kinds only, so that no
# difference is reported twice, even when the serials of a user are far apart.
KINDS = {
    Source.PENDING: {Kind.PENDING_STALE},
    Source.ADMITTED: {Kind.MISSING_ROW, Kind.SERIAL_MISMATCH},
    Source.ISSUED: {Kind.MISSING_ADMISSION},
}
SOURCE_OF = {kind: source for source, kinds in KINDS.items() for kind in kinds}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user about whom Redis and MySQL may disagree."""

    source: Source
    user_id: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """What Redis knows about a user."""

    serial: int | None
    pending_since_ms: int | None


@dataclass(frozen=True, slots=True)
class Issued:
    """What MySQL knows about a user; failure: the status in failed_event, PENDING before DEAD."""

    serial: int | None
    failure: FailedStatus | None

    @property
    def is_unknown(self) -> bool:
        """Whether MySQL has neither a coupon nor an unresolved failed event of the user."""
        return self.serial is None and self.failure is None


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """The counters of a campaign in Redis at one moment."""

    fence: int  # a rebuild raises it
    quantity: int
    count: int
    highest_serial: int  # the highest one held, 0 when no user holds one
    now_ms: int
    places_returned: int = 0

    @property
    def last_serial(self) -> int:
        """The highest serial that may be given."""
        return self.quantity + self.places_returned


def merge(admitted: Iterable[Entry], issued: Iterable[Entry]) -> Iterator[Candidate]:
    """Yield the users not on both sides under one serial; both come by serial, then user."""
    ours, theirs = iter(admitted), iter(issued)
    a, i = next(ours, None), next(theirs, None)
    while a or i:
        if a == i:
            a, i = next(ours, None), next(theirs, None)
        elif i is None or (a is not None and a < i):
            assert a is not None  # noqa: S101 - for the type checker
            yield Candidate(Source.ADMITTED, a[1])
            a = next(ours, None)
        else:
            yield Candidate(Source.ISSUED, i[1])
            i = next(theirs, None)


def classify(
    candidate: Candidate, ours: Admitted, theirs: Issued, stale_at_ms: int
) -> list[Discrepancy]:
    """Return what is wrong with a candidate, limited to the kinds of its source.

    stale_at_ms: a user who has been pending since then or earlier should be in MySQL by now.
    """
    found: list[tuple[Kind, str]] = []
    since_ms = ours.pending_since_ms
    if since_ms is not None and since_ms <= stale_at_ms:
        orphan = "" if ours.serial else ", without a serial"
        found.append((Kind.PENDING_STALE, f"since {times.to_iso(since_ms)}{orphan}"))
    if ours.serial is None and theirs.serial is not None:
        found.append((Kind.MISSING_ADMISSION, ""))
    elif ours.serial is not None and theirs.serial is None:
        if since_ms is None and theirs.failure is not FailedStatus.PENDING:
            found.append((Kind.MISSING_ROW, GIVEN_UP if theirs.failure else ""))
    elif ours.serial != theirs.serial:
        found.append((Kind.SERIAL_MISMATCH, ""))
    return [
        Discrepancy(kind, candidate.user_id, ours.serial, theirs.serial, detail)
        for kind, detail in found
        if kind in KINDS[candidate.source]
    ]


def gaps(serials: range, held: set[int], returned: SerialBitset) -> list[int]:
    """Return those of `serials` that no user holds and that were not given back."""
    return [s for s in serials if s not in held and s not in returned]


def check_counters(
    snapshot: CampaignSnapshot, quantity: int | None, places: int
) -> list[Discrepancy]:
    """Return what is wrong with a campaign's counters.

    quantity, places: MySQL's, read after the snapshot; None and 0 if it has no such campaign.
    """
    has_campaign = quantity is not None
    wrong = {
        "MySQL has no such campaign": not has_campaign,
        "the quantity is not that of MySQL": quantity not in {None, snapshot.quantity},
        "the count is above the quantity": snapshot.count > snapshot.last_serial,
        "Redis has returned places that MySQL has not": has_campaign
        and snapshot.places_returned > places,
        "Redis lacks returned places": has_campaign and snapshot.places_returned < places,
    }
    return [Discrepancy(Kind.COUNT_MISMATCH, detail=d) for d, is_so in wrong.items() if is_so]
