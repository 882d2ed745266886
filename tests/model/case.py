"""What one search is: the model as it is built, and the property that it has to show."""

from __future__ import annotations

from dataclasses import dataclass

SAFETY = ""
"""No formula: the assertions, at every step and at quiet."""

# The formulas at the end of coupon.pml; these allow two kills or outages, then none.
ISSUED, OPENS, ENDS = "accepted_is_issued", "opens_again", "pending_ends"


@dataclass(frozen=True, slots=True)
class Case:
    """One search: the defines the model is built with, and the property it has to show."""

    name: str
    about: str
    defines: str
    formula: str = SAFETY
    is_mutant: bool = False
    asserts: str = "P1 P2 P3 at-quiet"

    @property
    def shows(self) -> str:
        """Name the property in the table."""
        return self.formula or self.asserts
