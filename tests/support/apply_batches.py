"""Applications in a batch: the events, and what each gets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handlers.apply import apply_batch

if TYPE_CHECKING:
    from collections.abc import Sequence


def event(headers: dict[str, str], campaign_id: str = "welcome") -> dict[str, Any]:
    return {
        "requestContext": {"requestId": "request-1", "identity": {"sourceIp": None}},
        "headers": headers,
        "pathParameters": {"id": campaign_id},
    }


def responses(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the response to each event, in the order of the events."""
    return [response for _, response in sorted(apply_batch(events), key=lambda pair: pair[0])]


def codes(events: Sequence[dict[str, Any]]) -> list[str]:
    bodies = [json.loads(response["body"]) for response in responses(events)]
    return [body.get("outcome") or body["code"] for body in bodies]
