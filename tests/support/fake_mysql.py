"""Fakes of what writes to MySQL besides the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.adapters.mysql.failed_events import RedriveResult
from handlers.domain.errors import UnavailableError
from handlers.domain.record import FailedStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.coupon import CouponAccepted


@dataclass
class FakeDirectWriter:
    """Rows of MySQL that apply writes itself."""

    writes: bool = True
    written: list[CouponAccepted] = field(default_factory=list)

    def write_all(self, admitted: Sequence[CouponAccepted]) -> list[bool]:
        if self.writes:
            self.written += admitted
        return [self.writes] * len(admitted)


@dataclass
class FakeFailedEventQueue:
    """A failed_event table without waiting events."""

    reachable: bool = True

    def redrive(self, status: FailedStatus, *, now: bool, after: int, limit: int) -> RedriveResult:
        assert (now, after, limit > 0) == (True, 0, True)
        assert status in {FailedStatus.PENDING, FailedStatus.DEAD}
        if not self.reachable:
            raise UnavailableError
        return RedriveResult(None, resolved=0, retried=0, dead=(), settlements=())
