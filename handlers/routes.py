"""The one table of the HTTP interface: Chalice (app.py) and the gateway both read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.apply import apply_batch, apply_handler, reject_from_cache
from handlers.campaign_changes import archive_campaign_handler, change_campaign_handler
from handlers.campaigns import (
    campaign_handler,
    campaigns_handler,
    create_campaign_handler,
    stats_handler,
)
from handlers.challenge import challenge_handler
from handlers.coupons import coupons_handler, my_coupon_handler
from handlers.events import events_handler
from handlers.failed_events import failed_events_handler
from handlers.health import health_handler, ready_from_memory, ready_handler
from handlers.openapi import openapi_handler
from handlers.pages import (
    console_page_handler,
    docs_page_handler,
    event_page_handler,
    signed_in_page_handler,
    web_config_handler,
    web_file_handler,
)
from handlers.privacy import erase_user_handler
from handlers.reconcile import reconciliation_handler, repair_handler
from handlers.redemption import (
    cancel_handler,
    coupon_handler,
    redeem_handler,
    release_handler,
    reserve_handler,
)
from handlers.redrive import redrive_now_handler
from handlers.report import report_handler
from handlers.returned_places import give_back_handler, revoke_handler
from handlers.sign_in import sign_in_handler
from handlers.webhook_deliveries import (
    replay_delivery_handler,
    replay_failed_handler,
    webhook_deliveries_handler,
)
from handlers.webhooks import (
    change_webhook_handler,
    create_webhook_handler,
    delete_webhook_handler,
    rotate_webhook_secret_handler,
    webhook_handler,
    webhooks_handler,
)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
BatchHandler = Callable[[Sequence[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]]
FastPath = Callable[[str, str, str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Route:
    """One call: HTTP method, path template as API Gateway writes it, and its handler.

    fast_path: takes the campaign's id, the Authorization header and the request's id of a call
    without a body; responds as the handler would but without waiting for a server, or returns None.
    batch_handler: responds to the events of several calls as the handler would to each of them, in
    any order.
    takes_body: whether a request may carry a body, of BODY_BYTES_MAX at most. The body of any
    other call is never read.
    """

    method: str
    path: str
    handler: Handler
    fast_path: FastPath | None = None
    batch_handler: BatchHandler | None = None
    takes_body: bool = False


ROUTES: tuple[Route, ...] = (
    Route("POST", "/campaigns/{id}/apply", apply_handler, reject_from_cache, apply_batch),
    Route("GET", "/campaigns/{id}/challenge", challenge_handler),
    Route("GET", "/campaigns/{id}/coupon", my_coupon_handler),
    Route("DELETE", "/campaigns/{id}/coupon", give_back_handler),
    Route("GET", "/campaigns/{id}", campaign_handler),
    Route("PATCH", "/campaigns/{id}", change_campaign_handler, takes_body=True),
    Route("POST", "/campaigns/{id}/archive", archive_campaign_handler),
    Route("GET", "/campaigns", campaigns_handler),
    Route("POST", "/campaigns", create_campaign_handler, takes_body=True),
    Route("GET", "/campaigns/{id}/stats", stats_handler),
    Route("GET", "/campaigns/{id}/coupons", coupons_handler),
    Route("GET", "/campaigns/{id}/reconciliation", reconciliation_handler),
    Route("POST", "/campaigns/{id}/repair", repair_handler),
    Route("GET", "/coupons/{code}", coupon_handler),
    Route("POST", "/coupons/{code}/reservations", reserve_handler, takes_body=True),
    Route("DELETE", "/coupons/{code}/reservations/{order_id}", release_handler),
    Route("POST", "/coupons/{code}/redemptions", redeem_handler, takes_body=True),
    Route("DELETE", "/coupons/{code}/redemptions/{order_id}", cancel_handler),
    Route("POST", "/coupons/{code}/revocation", revoke_handler, takes_body=True),
    Route("GET", "/campaigns/{id}/events", events_handler),
    Route("GET", "/campaigns/{id}/report", report_handler),
    Route("DELETE", "/users/{user_id}", erase_user_handler),
    Route("GET", "/failed-events", failed_events_handler),
    Route("POST", "/failed-events/redrive", redrive_now_handler),
    Route("GET", "/webhooks", webhooks_handler),
    Route("POST", "/webhooks", create_webhook_handler, takes_body=True),
    Route("GET", "/webhooks/{webhook}", webhook_handler),
    Route("PATCH", "/webhooks/{webhook}", change_webhook_handler, takes_body=True),
    Route("DELETE", "/webhooks/{webhook}", delete_webhook_handler),
    Route("POST", "/webhooks/{webhook}/secret", rotate_webhook_secret_handler, takes_body=True),
    Route("GET", "/webhooks/{webhook}/deliveries", webhook_deliveries_handler),
    Route("POST", "/webhooks/{webhook}/deliveries/{event}/replay", replay_delivery_handler),
    Route("POST", "/webhooks/{webhook}/replay", replay_failed_handler, takes_body=True),
    Route("GET", "/health", health_handler),
    Route("GET", "/ready", ready_handler, ready_from_memory),
    Route("GET", "/openapi.json", openapi_handler),
    Route("GET", "/events/{id}", event_page_handler),
    Route("GET", "/console", console_page_handler),
    Route("GET", "/docs", docs_page_handler),
    Route("GET", "/signed-in", signed_in_page_handler),
    Route("GET", "/web/config.json", web_config_handler),
    Route("GET", "/web/{version}/{folder}/{file}", web_file_handler),
    Route("POST", "/sign-in", sign_in_handler, takes_body=True),
)
