"""Places of coupons that were given back or revoked, for other applicants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Return = tuple[int, str | None]  # serial, and the user where it was given back


@dataclass(frozen=True, slots=True)
class Returns:
    """The next returns of a campaign after the first `before` of them, in their order.

    The serials stay given: each return raises the last serial of the campaign by one.
    """

    campaign_id: str
    before: int
    returns: Sequence[Return]

    @property
    def after(self) -> int:
        """How many returns there are with these."""
        return self.before + len(self.returns)

    @property
    def given_back(self) -> list[tuple[str, int]]:
        """User and serial of each coupon that its user gave back."""
        return [(user, serial) for serial, user in self.returns if user is not None]
