"""Chalice shell: registers the one route table, the Kafka consumer, the schedules. Nothing else.

Each function has the whole package and needs a part of it. So the modules of the functions are
imported inside them, and those of the routes by the table; handlers/cold_start.py does it before.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Chalice, CloudWatchEvent, Rate, Response

from handlers import cold_start, embedded_metrics
from handlers.edge.http.cors import PREFLIGHT, cors_headers, preflight_response
from handlers.edge.http.request import request_id_of
from handlers.edge.http.response import method_not_allowed
from handlers.edge.http.viewer import context_of_viewer
from handlers.origin_secret import origin_secrets
from handlers.page_settings import allowed_origins
from handlers.refusals import store_due_refusals
from handlers.routes import ROUTES, Route

if TYPE_CHECKING:
    from collections.abc import Callable

app = Chalice(app_name="seonchak")
ORIGINS = allowed_origins(os.environ)  # whose pages may read the responses
ORIGIN_SECRETS = origin_secrets(os.environ)  # of CloudFront in front of API Gateway; or none


def _view(route: Route) -> Callable[..., Response]:
    """Return a view function for Chalice, which passes the path parameters as arguments."""

    def view(**_: str) -> Response:
        started = time.perf_counter()
        request: Any = app.current_request  # of this thread, also under `chalice local`
        event = dict(request.to_original_event())
        if ORIGIN_SECRETS:
            context = event.get("requestContext") or {}
            event["requestContext"] = context_of_viewer(context, request.headers, ORIGIN_SECRETS)
        # A REST API passes them as they were sent, percent-encoded.
        parameters = event.get("pathParameters") or {}
        event["pathParameters"] = {name: unquote(parameters[name]) for name in parameters} or None
        response = route.handler(event, request.lambda_context)
        # Here, since a Lambda function runs only while it serves a request.
        store_due_refusals()
        method = event.get("httpMethod") or route.method
        embedded_metrics.count_response(method, route.path, response["statusCode"], started)
        return _sent(response)

    view.__name__ = route.handler_name.rpartition(".")[2]
    return view


def _options_view(allow: str) -> Callable[..., Response]:
    """Return a view function for OPTIONS on a path that has the methods `allow`."""

    def options_handler(**_: str) -> Response:
        request: Any = app.current_request
        preflight = preflight_response(ORIGINS, allow, request.headers) if ORIGINS else None
        request_id = request_id_of(request.to_original_event())
        return _sent(preflight or method_not_allowed(allow, request_id))

    return options_handler


def _sent(response: dict[str, Any]) -> Response:
    headers = response["headers"]
    if ORIGINS:
        request: Any = app.current_request
        headers = headers | cors_headers(ORIGINS, request.headers.get("origin"))
    return Response(response["body"], headers, response["statusCode"])


_methods_of: dict[str, list[str]] = {}
for _route in ROUTES:
    # A REST API has HEAD only where it is defined. Any content type: the handlers themselves
    # check the body and report what is wrong.
    _methods = ["GET", "HEAD"] if _route.method == "GET" else [_route.method]
    app.route(_route.path, methods=_methods, content_types=[])(_view(_route))
    _methods_of.setdefault(_route.path, []).extend(_methods)
for _path, _methods in _methods_of.items():
    _allow = ", ".join(sorted(_methods))
    app.route(_path, methods=[PREFLIGHT], content_types=[])(_options_view(_allow))


@app.lambda_function(name="consume_handler")
def consume_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Consume batches of the Kafka event source mapping, which CloudFormation adds."""
    from handlers import consume

    with embedded_metrics.job("consume_handler"):
        return consume.consume_handler(event, context)


@app.lambda_function(name="restore_handler")
def restore_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Handle notifications of the bucket that holds the batches that Lambda gave up."""
    from handlers import restore

    return restore.restore_handler(event, context)


@app.lambda_function(name="migrate_handler")
def migrate_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Set up schema, topic and epoch; invoked once per deployment."""
    from handlers import migrate

    return migrate.migrate_handler(event, context)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="relay_handler")
def relay_handler(event: CloudWatchEvent) -> dict[str, int]:
    """Send overdue admissions to Kafka again, every minute."""
    from handlers import relay

    with embedded_metrics.job("relay_handler"):
        return relay.relay_handler(event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="redrive_handler")
def redrive_handler(event: CloudWatchEvent) -> dict[str, int]:
    """Write the rows of failed_event again, then erase users whose time is over, every minute."""
    from handlers import privacy, redrive

    with embedded_metrics.job("redrive_handler"):
        written = redrive.redrive_handler(event.to_dict(), event.context)
        return written | privacy.privacy_handler(event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="webhook_handler")
def webhook_handler(event: CloudWatchEvent) -> dict[str, int]:
    """Send events to webhooks, for a minute."""
    from handlers import webhook_sender

    with embedded_metrics.job("webhook_sender_handler"):
        return webhook_sender.webhook_minute_handler(event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="rebuild_handler")
def rebuild_handler(event: CloudWatchEvent) -> dict[str, Any]:
    """Rebuild a Redis that restarted or lost its state, within a minute."""
    from handlers import rebuild, shared_state

    # It has the rights for all three servers, so it measures what all functions share.
    with embedded_metrics.job("rebuild_handler", lambda: shared_state.measure_handler({}, None)):
        return rebuild.rebuild_handler(event.to_dict(), event.context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Wrong settings stop the start. Packaging imports this file without any settings.
    cold_start.preload(os.environ)
