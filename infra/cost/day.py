"""What is asked about: one sale, and where it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One campaign's rush, and what is kept running for it."""

    applicants: int
    minutes: float
    quantity: int
    presses: float = 2.0
    polls: int = 3
    peak: float = 5.0
    throttle: int | None = None
    region: str = "us-east-1"
    size: str = "large"
    architecture: str = "x86_64"
    hours: float = 24.0
    bot_control: bool = False

    @property
    def accepted(self) -> int:
        """Those who get a coupon."""
        return min(self.quantity, self.applicants)

    @property
    def applies(self) -> float:
        """All presses of the button."""
        return self.applicants * self.presses
