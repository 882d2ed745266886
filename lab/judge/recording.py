"""What a scenario leaves behind, and all that a law may look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.judge.journal import RecordedCall
    from lab.judge.presses import Press

QUOTA = 100
ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Recording:
    """One scenario on one stage: who pressed and what she read, and what MySQL has at the end."""

    began_s: float  # on the clock of the calls
    presses: Sequence[Press]
    rows: Sequence[str]  # the user id of each coupon
    calls: Sequence[RecordedCall]
    struck: Sequence[str] = field(default=())  # whom the fault hit, in the order of the steps

    @property
    def accepted(self) -> list[str]:
        """The people who have read "accepted", each once, in the order of the answers."""
        ordered = sorted(self.presses, key=lambda press: press.ended_s)
        return list(dict.fromkeys(p.user_id for p in ordered if p.answer == ACCEPTED))

    @property
    def coupons(self) -> Counter[str]:
        """How many coupons each person has."""
        return Counter(self.rows)

    @property
    def lost(self) -> list[str]:
        """The people who were accepted and have no coupon."""
        return [user_id for user_id in self.accepted if not self.coupons[user_id]]

    def timeline(self, user_id: str) -> list[RecordedCall]:
        """Return what happened to one person, and what the lab did meanwhile."""
        return [c for c in self.calls if c.actor == "lab" or c.concerns(user_id)]
