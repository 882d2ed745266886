"""What is seen of one campaign from outside: what the promises are checked against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from local.harness.responses import ApplyResponse


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the coupon table."""

    user: str
    serial: int
    admitted_at_ms: int


@dataclass(frozen=True, slots=True)
class Faults:
    """What was broken on purpose, and explains what would be a broken promise otherwise.

    With it, responses may be lost, others than those who applied may have coupons, and not all
    coupons need be given out.
    """

    rebuilt: bool = False  # Redis began again: a serial that was given back goes to a later user
    wrong_times: bool = False  # the times of admission say nothing about their order
    redriven: Mapping[str, str] = field(default_factory=dict)  # user to how their record failed
    lost: Collection[str] = ()  # users whose coupon may be gone, as documented
    lost_records: int = 0  # neither coupons nor failed events


@dataclass(frozen=True, slots=True)
class Observations:
    """What was seen of one campaign: responses in their order, and what is stored at the end."""

    quantity: int
    responses: Sequence[ApplyResponse]
    rows: Sequence[Row]
    people: int = 0  # different users who applied
    requests: int = 0
    highest_count: int = 0  # coupon_count in Redis; it only ever rises
    pending: int = 0  # admitted in Redis, and not known to be in MySQL
    failed_events: int = 0
    unanswered: Collection[str] = ()
    faults: Faults | None = None

    @property
    def coupons_due(self) -> int:
        """How many rows there must be: one each, as long as there are any."""
        return min(self.quantity, self.people)

    @property
    def serial_of(self) -> dict[str, int]:
        """The serial of each user who has a row."""
        return {row.user: row.serial for row in self.rows}

    def users_with(self, *outcomes: str) -> set[str]:
        """Return who got one of these responses at least once."""
        return {each.user for each in self.responses if each.outcome in outcomes}
