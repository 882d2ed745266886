"""The events that webhooks are sent: their kinds, their names, and what is sent of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from handlers.domain import times
from handlers.domain.coupon_event import EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class WebhookEventKind(StrEnum):
    """What happened, as `type` names it in a request to a webhook."""

    ISSUED = "coupon.issued"
    REDEEMED = "coupon.redeemed"
    RELEASED = "coupon.released"
    REVOKED = "coupon.revoked"
    EXPIRED = "coupon.expired"
    OPENED = "campaign.opened"
    SOLD_OUT = "campaign.sold_out"
    CLOSED = "campaign.closed"


# Which changes of a coupon webhooks are sent. A reservation is the shop's own doing, and passes.
OF_COUPON_EVENT: Mapping[EventKind, WebhookEventKind] = {
    EventKind.USED: WebhookEventKind.REDEEMED,
    EventKind.RELEASED: WebhookEventKind.RELEASED,
    EventKind.CANCELLED: WebhookEventKind.RELEASED,
    EventKind.REVOKED: WebhookEventKind.REVOKED,
    EventKind.GIVEN_BACK: WebhookEventKind.REVOKED,
}


def event_id(kind: WebhookEventKind, *parts: object) -> str:
    """Return an event's name: always the same for the same event, and without a full stop.

    The signed text is id.timestamp.body, so a full stop in the id could be read in two ways.
    """
    return ":".join([kind.replace(".", "_"), *map(str, parts)])


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event as it is sent.

    serial, code, user_id: None for an event of a campaign; user_id also where the coupon's row is
    gone.
    detail: further members of `data`.
    """

    id: str
    kind: str
    occurred_at_ms: int
    campaign_id: str
    serial: int | None = None
    code: str | None = None
    user_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the request's body: JSON with `type`, `timestamp` and `data`."""
        data: dict[str, object] = {"campaign_id": self.campaign_id}
        if self.serial is not None:
            data |= {"serial": self.serial, "code": self.code, "user_id": self.user_id}
        content = {
            "type": self.kind,
            "timestamp": times.to_iso(self.occurred_at_ms),
            "data": data | dict(self.detail),
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
