"""One applicant, one message: the product itself only has functions for batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from handlers.domain.admission import Applicant
from handlers.domain.coupon import OutgoingMessage
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.admission import Admission
    from handlers.domain.coupon import CouponAccepted


class Admissions(Protocol):
    def admit_all(self, applicants: Sequence[Applicant]) -> list[Admission | UnavailableError]: ...


class Publisher(Protocol):
    def publish_all(self, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]: ...


def admit_one(
    admissions: Admissions, campaign_id: str, user_id: str, address: str = ""
) -> Admission:
    [decided] = admissions.admit_all([Applicant(campaign_id, user_id, address)])
    if isinstance(decided, UnavailableError):
        raise decided
    return decided


def publish_one(
    publisher: Publisher, message: CouponAccepted, request_id: str, deadline: float
) -> bool:
    [is_held] = publisher.publish_all([OutgoingMessage(message, request_id, deadline)])
    return is_held
