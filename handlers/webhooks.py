"""Webhooks over HTTP, for an administrator: create, list, read, change, delete, rotate the secret.

A secret is in two answers only: of the creation, and of the rotation.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from handlers import webhook_clients, wiring
from handlers.domain.errors import InvalidRequestError
from handlers.domain.webhook import WEBHOOK_ID, WebhookWish, previous_secret_s
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response
from handlers.edge.http.webhook_path import webhook_of

if TYPE_CHECKING:
    from handlers.domain.webhook import Webhook
    from handlers.edge.http.request import Request

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000


@endpoint
def create_webhook_handler(request: Request) -> dict[str, Any]:
    """POST /webhooks: a new one with an id and a secret of its own.

    Where the answer is lost, GET /webhooks shows the webhook, and a rotation gives its secret.
    """
    wiring.authenticator().require_admin(request.headers)
    _require_secret()
    wish = WebhookWish.of_new(request.json_object(), _schemes())
    made = webhook_clients.webhooks().create(f"wh_{secrets.token_hex(12)}", wish)
    request.log_fields["webhook_id"] = made.id
    return json_response(201, _with_secret(made))


@endpoint
def webhooks_handler(request: Request) -> dict[str, Any]:
    """GET /webhooks: a page of them by id, without those that were deleted."""
    wiring.authenticator().require_admin(request.headers)
    limit = request.number("limit", LIMIT_DEFAULT, 1, LIMIT_MAX)
    after = request.query.get("after")
    # Not even "": a client that forgets to fill it in would read the first page for ever.
    if after is not None and not WEBHOOK_ID.fullmatch(after):
        message = "after: must be the id of a webhook"
        raise InvalidRequestError(message)
    found = webhook_clients.webhooks().page(after or "", limit)
    following = found[-1].id if len(found) == limit else None
    page = [webhook.to_json() for webhook in found]
    return json_response(200, {"webhooks": page, "next_after": following})


@endpoint
def webhook_handler(request: Request) -> dict[str, Any]:
    """GET /webhooks/{webhook}: one of them."""
    wiring.authenticator().require_admin(request.headers)
    return json_response(200, webhook_clients.webhooks().of_id(webhook_of(request)).to_json())


@endpoint
def change_webhook_handler(request: Request) -> dict[str, Any]:
    """PATCH /webhooks/{webhook}: url, kinds, description, active."""
    wiring.authenticator().require_admin(request.headers)
    which = webhook_of(request)
    wish = WebhookWish.of_change(request.json_object(), _schemes())
    return json_response(200, webhook_clients.webhooks().change(which, wish).to_json())


@endpoint
def delete_webhook_handler(request: Request) -> dict[str, Any]:
    """DELETE /webhooks/{webhook}: it is sent nothing any more; repeated: 404."""
    wiring.authenticator().require_admin(request.headers)
    which = webhook_of(request)
    webhook_clients.webhooks().delete(which)
    return json_response(200, {"id": which, "state": "DELETED"})


@endpoint
def rotate_webhook_secret_handler(request: Request) -> dict[str, Any]:
    """POST /webhooks/{webhook}/secret: a new secret; the one before signs as well for a while."""
    wiring.authenticator().require_admin(request.headers)
    which = webhook_of(request)
    _require_secret()
    previous_s = previous_secret_s(request.json_object() if request.body else {})
    return json_response(
        200, _with_secret(webhook_clients.webhooks().rotate_secret(which, previous_s))
    )


def _with_secret(webhook: Webhook) -> dict[str, Any]:
    secret = webhook_clients.webhook_secrets().shown(webhook.id, webhook.generations[0])
    return webhook.to_json() | {"secret": secret}


def _require_secret() -> None:
    if not wiring.settings().has_webhook_secret:
        message = "webhooks: this service has no WEBHOOK_SECRET"
        raise InvalidRequestError(message)


def _schemes() -> tuple[str, ...]:
    return ("https", "http") if wiring.settings().webhook_internal else ("https",)
