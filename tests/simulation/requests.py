"""HTTP requests as the handlers get them."""

from __future__ import annotations

from typing import Any

ADDRESS = "203.0.113.7"


def request(user: str, campaign_id: str | None, **query: str) -> dict[str, Any]:
    """Return the event of a call of this user."""
    return {
        "headers": {"user": user},
        "pathParameters": {"id": campaign_id} if campaign_id else None,
        "queryStringParameters": query or None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "simulated", "identity": {"sourceIp": ADDRESS}},
    }
