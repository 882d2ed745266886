"""The webhook that a request's path names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.webhook import webhook_id

if TYPE_CHECKING:
    from handlers.edge.http.request import Request


def webhook_of(request: Request) -> str:
    """Return its id, and name it in the log line; raise WebhookNotFoundError."""
    which = webhook_id(request.path.get("webhook"))
    request.log_fields["webhook_id"] = which
    return which
