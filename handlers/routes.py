"""The one table of the HTTP interface: Chalice (app.py) and the gateway both read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
BatchHandler = Callable[[Sequence[dict[str, Any]]], Iterator[tuple[int, dict[str, Any]]]]
FastPath = Callable[[str, str, str], dict[str, Any] | None]


@dataclass(frozen=True)
class Route:
    """One call: HTTP method, path template as API Gateway writes it, and the names of functions.

    handler_name: the handler, as `module.function` below `handlers`. Its module is imported when
    the handler is first asked for: on Lambda the first apply does not wait for all the others.
    fast_path_name: takes the campaign's id, the Authorization header and the request's id of a call
    without a body; responds as the handler would but without waiting for a server, or returns None.
    batch_handler_name: responds to the events of several calls as the handler would to each of
    them, in any order.
    takes_body: whether a request may carry a body, of BODY_BYTES_MAX at most. The body of any
    other call is never read.
    """

    method: str
    path: str
    handler_name: str
    fast_path_name: str = ""
    batch_handler_name: str = ""
    takes_body: bool = False

    @cached_property
    def handler(self) -> Handler:
        """The function that responds to one event."""
        handler: Handler = _function(self.handler_name)
        return handler

    @cached_property
    def fast_path(self) -> FastPath | None:
        """The function that responds from memory, if there is one."""
        return _function(self.fast_path_name) if self.fast_path_name else None

    @cached_property
    def batch_handler(self) -> BatchHandler | None:
        """The function that responds to several events, if there is one."""
        return _function(self.batch_handler_name) if self.batch_handler_name else None


def _function(name: str) -> Any:
    module, _, function = name.rpartition(".")
    return getattr(import_module(f"handlers.{module}"), function)


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/campaigns/{id}/apply",
        "apply.apply_handler",
        "apply.reject_from_cache",
        "apply.apply_batch",
    ),
    Route("GET", "/campaigns/{id}/challenge", "challenge.challenge_handler"),
    Route("GET", "/campaigns/{id}/coupon", "coupons.my_coupon_handler"),
    Route("DELETE", "/campaigns/{id}/coupon", "returned_places.give_back_handler"),
    Route("GET", "/campaigns/{id}", "campaigns.campaign_handler"),
    Route("PATCH", "/campaigns/{id}", "campaign_changes.change_campaign_handler", takes_body=True),
    Route("POST", "/campaigns/{id}/archive", "campaign_changes.archive_campaign_handler"),
    Route("GET", "/campaigns", "campaigns.campaigns_handler"),
    Route("POST", "/campaigns", "campaigns.create_campaign_handler", takes_body=True),
    Route("GET", "/campaigns/{id}/stats", "campaigns.stats_handler"),
    Route("GET", "/campaigns/{id}/coupons", "coupons.coupons_handler"),
    Route("GET", "/campaigns/{id}/reconciliation", "reconcile.reconciliation_handler"),
    Route("POST", "/campaigns/{id}/repair", "reconcile.repair_handler"),
    Route("GET", "/coupons/{code}", "redemption.coupon_handler"),
    Route("POST", "/coupons/{code}/reservations", "redemption.reserve_handler", takes_body=True),
    Route("DELETE", "/coupons/{code}/reservations/{order_id}", "redemption.release_handler"),
    Route("POST", "/coupons/{code}/redemptions", "redemption.redeem_handler", takes_body=True),
    Route("DELETE", "/coupons/{code}/redemptions/{order_id}", "redemption.cancel_handler"),
    Route("POST", "/coupons/{code}/revocation", "returned_places.revoke_handler", takes_body=True),
    Route("GET", "/campaigns/{id}/events", "events.events_handler"),
    Route("GET", "/campaigns/{id}/report", "report.report_handler"),
    Route("DELETE", "/users/{user_id}", "privacy.erase_user_handler"),
    Route("GET", "/failed-events", "failed_events.failed_events_handler"),
    Route("POST", "/failed-events/redrive", "redrive.redrive_now_handler"),
    Route("GET", "/webhooks", "webhooks.webhooks_handler"),
    Route("POST", "/webhooks", "webhooks.create_webhook_handler", takes_body=True),
    Route("GET", "/webhooks/{webhook}", "webhooks.webhook_handler"),
    Route("PATCH", "/webhooks/{webhook}", "webhooks.change_webhook_handler", takes_body=True),
    Route("DELETE", "/webhooks/{webhook}", "webhooks.delete_webhook_handler"),
    Route(
        "POST",
        "/webhooks/{webhook}/secret",
        "webhooks.rotate_webhook_secret_handler",
        takes_body=True,
    ),
    Route("GET", "/webhooks/{webhook}/deliveries", "webhook_deliveries.webhook_deliveries_handler"),
    Route(
        "POST",
        "/webhooks/{webhook}/deliveries/{event}/replay",
        "webhook_deliveries.replay_delivery_handler",
    ),
    Route(
        "POST",
        "/webhooks/{webhook}/replay",
        "webhook_deliveries.replay_failed_handler",
        takes_body=True,
    ),
    Route("GET", "/health", "health.health_handler"),
    Route("GET", "/ready", "health.ready_handler", "health.ready_from_memory"),
    Route("GET", "/openapi.json", "openapi.openapi_handler"),
    Route("GET", "/events/{id}", "pages.event_page_handler"),
    Route("GET", "/console", "pages.console_page_handler"),
    Route("GET", "/docs", "pages.docs_page_handler"),
    Route("GET", "/signed-in", "pages.signed_in_page_handler"),
    Route("GET", "/web/config.json", "pages.web_config_handler"),
    Route("GET", "/web/{version}/{folder}/{file}", "pages.web_file_handler"),
    Route("POST", "/sign-in", "sign_in.sign_in_handler", takes_body=True),
)


def load() -> None:
    """Import the modules of all handlers, for a process in which no client waits yet."""
    for route in ROUTES:
        _ = route.handler
