"""Fakes of webhooks in MySQL, for requests of every kind."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from handlers.domain.errors import DeliveryNotFoundError, UnavailableError, WebhookNotFoundError
from handlers.domain.webhook import Webhook, WebhookState
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.webhook import WebhookWish

WEBHOOK = "wh_0123456789abcdef01234567"
EVENT = "coupon_issued:welcome:1"


def _webhook(webhook_id: str) -> Webhook:
    url, kinds = "https://shop.example/", ("coupon.issued",)
    return Webhook(webhook_id, url, kinds, "", WebhookState.ACTIVE, (1,), None, 0, NOW_MS)


@dataclass
class FakeWebhooks:
    """One webhook, and those that are created."""

    reachable: bool = True
    stored: dict[str, Webhook] = field(default_factory=lambda: {WEBHOOK: _webhook(WEBHOOK)})

    def create(self, webhook_id: str, wish: WebhookWish) -> Webhook:
        self._ask()
        self.stored[webhook_id] = _webhook(webhook_id)
        return self.change(webhook_id, wish)

    def page(self, after: str, limit: int) -> Sequence[Webhook]:
        self._ask()
        return [self.stored[name] for name in sorted(self.stored) if name > after][:limit]

    def of_id(self, webhook_id: str) -> Webhook:
        self._ask()
        if webhook_id not in self.stored:
            raise WebhookNotFoundError
        return self.stored[webhook_id]

    def change(self, webhook_id: str, wish: WebhookWish) -> Webhook:
        changed = replace(self.of_id(webhook_id), description=wish.description or "")
        self.stored[webhook_id] = changed
        return changed

    def delete(self, webhook_id: str) -> None:
        self.of_id(webhook_id)

    def rotate_secret(self, webhook_id: str, previous_s: int) -> Webhook:
        assert previous_s >= 0
        return self.of_id(webhook_id)

    def _ask(self) -> None:
        if not self.reachable:
            raise UnavailableError


@dataclass
class FakeDeliveryLog:
    """One delivery that arrived."""

    reachable: bool = True

    def page(
        self, webhook_id: str, after: str | None, status: str | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        self._ask(webhook_id)
        assert (status in {None, "PENDING", "DELIVERED", "DEAD"}, limit > 0) == (True, True)
        if after not in {None, EVENT}:
            raise DeliveryNotFoundError
        now = dt.datetime(2026, 11, 22, 3)  # noqa: DTZ001 - as MySQL gives it
        times = dict.fromkeys(("occurred_at", "created_at", "next_attempt_at", "expires_at"), now)
        row = {"event_id": EVENT, "status": "DELIVERED", "delivered_at": None}
        return [] if after else [row | times]

    def replay(self, webhook_id: str, event_id: str) -> None:
        self._ask(webhook_id)
        if event_id != EVENT:
            raise DeliveryNotFoundError

    def replay_failed(self, webhook_id: str, since_ms: int, limit: int) -> int:
        self._ask(webhook_id)
        assert since_ms >= 0
        return limit

    def _ask(self, webhook_id: str) -> None:
        if not self.reachable:
            raise UnavailableError
        if webhook_id != WEBHOOK:
            raise WebhookNotFoundError
