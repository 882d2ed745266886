"""The events of a campaign as a reader gets them, and a campaign that has some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.life import insert_coupon, insert_event
from tests.support.service import ADMIN, Response, ask, create_campaign, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings

DAY = "2026-11-22 03:00:"


def listed(campaign_id: str, **query: str) -> Response:
    call = "GET /campaigns/{id}/events"
    return ask(call, campaign_id, user="admin", scope=ADMIN, query=query)


def followed(campaign_id: str, limit: int, after: str | None = None) -> tuple[list[Any], str]:
    """Return all events behind `after` as a reader gets them by page, and where it goes on."""
    seen: list[Any] = []
    while True:
        query = {"limit": str(limit)} | ({} if after is None else {"after": after})
        page = listed(campaign_id, **query).body
        seen += page["events"]
        after = page["next_after"]
        if not page["more"]:
            return seen, page["next_after"]


def kinds(events: Sequence[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(event["kind"], event["serial"]) for event in events]


def life(settings: Settings, campaign_id: str) -> None:
    """Write five events after that of the creation; their rows are not in the order of time."""
    create_campaign(campaign_id, quantity=10)
    created = "UPDATE coupon_event SET created_at = %s WHERE campaign_id = %s"
    rows(settings, created, f"{DAY}00.000", campaign_id)
    insert_event(settings, campaign_id, 1, "USED", f"{DAY}03.000", order_id="order-7")
    insert_coupon(settings, campaign_id, 2, f"{DAY}02.000")
    insert_coupon(settings, campaign_id, 1, f"{DAY}01.000", f"{DAY}02.000")
    insert_event(settings, campaign_id, 1, "RESERVED", f"{DAY}02.000", order_id="order-7")
    insert_event(
        settings, campaign_id, 2, "REVOKED", f"{DAY}04.000", reason="fraud", detail='{"a": [1]}'
    )


ORDER = [
    ("CREATED", None),
    ("ISSUED", 1),
    ("ISSUED", 2),
    ("RESERVED", 1),
    ("USED", 1),
    ("REVOKED", 2),
]
