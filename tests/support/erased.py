"""People who are in every store of the service, and the call that erases them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.redis.admissions import OLDEST
from handlers.consume import consume_handler
from handlers.domain.coupon_event import CouponEvent, EventKind
from handlers.domain.record import FailedStatus
from tests.support.service import (
    apply,
    ask,
    create_campaign,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response


PRIVACY = "coupon:privacy"


def person() -> str:
    """Return an id that no part of another value has."""
    return f"person-{uuid.uuid4().hex}@example.org"


def erase(user: str, scope: str = PRIVACY) -> Response:
    return ask("DELETE /users/{user_id}", path={"user_id": user}, user="officer", scope=scope)


def issue(campaign_id: str, user: str) -> int:
    """Let a user get a coupon, and the consumer write it; return the serial."""
    serial: int = apply(campaign_id, user).body["serial"]
    consume_handler(kafka_event([message(campaign_id, user, serial)]), None)
    return serial


def leave_traces(campaign_id: str, other_id: str, user: str) -> None:
    """Let a user be in each store in each way: issued, sent again, pending, failed, counted."""
    for one in (campaign_id, other_id):
        create_campaign(one, quantity=5)
    serial = issue(campaign_id, user)
    apply(campaign_id, user)  # is counted
    apply(other_id, user)  # stays pending, and the relay has sent it
    wiring.admissions().overdue(other_id, 0, OLDEST, 10)
    dead = message(campaign_id, user, 4)
    consume_handler(kafka_event([dead, b'{"v":9,"user_id":"%s"}' % user.encode()], 50), None)
    taken = message(other_id, "somebody", 5)
    consume_handler(kafka_event([taken], 60), None)
    event = CouponEvent(
        EventKind.RELEASED, campaign_id, serial, user, reason=f"{user} asked", detail={"by": user}
    )
    wiring.database().run(lambda cursor: add_event(cursor, event))
    wiring.failed_event_queue().redrive(FailedStatus.PENDING, now=True, after=0, limit=10)


def settle_failures(settings: Settings) -> None:
    """Let the redrive give up what it cannot write."""
    rows(settings, "UPDATE failed_event SET status = 'DEAD' WHERE status = 'PENDING'")
