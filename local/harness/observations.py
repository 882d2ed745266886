"""The observations of one campaign from outside; the promises are checked against them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from local.harness.responses import ApplyResponse

FIRST = 1  # the fence of a campaign that was never rebuilt
# A process repeats a rejection for half a second; as much again for a busy machine.
CACHED_S = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the coupon table."""

    user: str
    serial: int
    admitted_at_ms: int


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults that were injected; they explain what would be a broken promise otherwise.

    With faults, responses may be lost, users without a response may have coupons, and some
    coupons may be left over.
    """

    rebuilt: bool = False  # Redis was rebuilt: a later user may get a serial that was given back
    wrong_times: bool = False  # the times of admission do not show their order
    redriven: Mapping[str, str] = field(default_factory=dict)  # user to how their record failed
    lost_records: int = 0  # neither coupons nor failed events


@dataclass(frozen=True, slots=True)
class Histories:
    """The histories of Redis in which one campaign gave serials; each rebuild begins the next one.

    They are numbered as the fences of the campaign are.
    """

    # User and serial to the histories that gave it: a user may get the same again. None: the first.
    givers: Mapping[tuple[str, int], Collection[int]] | None = None
    opened_s: Mapping[int, float] = field(default_factory=dict)  # when its rebuild was over
    given_back: Collection[int] = ()  # serials

    def of(self, user: str, serial: int) -> int | None:
        """Return the history that gave a user this serial, None where it is not known."""
        if self.givers is None:
            return FIRST
        numbers = self.givers.get((user, serial), ())
        return next(iter(numbers)) if len(numbers) == 1 else None

    def certain_since_s(self, history: int) -> float:
        """Return since when no response can be a decision of an earlier history."""
        if history <= FIRST:
            return -math.inf
        return self.opened_s.get(history, math.inf) + CACHED_S


@dataclass(frozen=True, slots=True)
class Observations:
    """The observations of one campaign: responses in order, and what is stored at the end."""

    quantity: int
    responses: Sequence[ApplyResponse]
    rows: Sequence[Row]
    people: int = 0  # different users who applied
    requests: int = 0
    highest_count: int = 0  # coupon_count in Redis; it only ever rises
    pending: int = 0  # admitted in Redis, not yet known to be in MySQL
    failed_events: int = 0
    unanswered: Collection[str] = ()
    others: Collection[str] = ()  # users who applied by themselves: only their rows are seen
    faults: Faults | None = None
    histories: Histories = field(default_factory=Histories)
    # Where more could be given from some moment on: up to this serial always.
    lowest_quantity: int | None = None

    @property
    def coupons_due(self) -> int:
        """How many rows there must be: one per user, up to the quantity."""
        return min(self.quantity, self.people)

    @property
    def serial_of(self) -> dict[str, int]:
        """The serial of each user who has a row."""
        return {row.user: row.serial for row in self.rows}

    def users_with(self, *outcomes: str) -> set[str]:
        """Return the users who got one of these responses at least once."""
        return {each.user for each in self.responses if each.outcome in outcomes}
