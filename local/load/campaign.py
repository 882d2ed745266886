"""The shop's part of a load test: a campaign that opens when the countdown is over."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid

from handlers.domain import times
from local.token import bearer

TIMEOUT_S = 10.0
OPEN_FOR_MS = 3_600_000
CREATED = 201
# As the users' requests: the environment's proxy is not used for the machine's own gateway.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotCreatedError(Exception):
    """The campaign was not created; the message names the response."""


def create_campaign(url: str, secret: str, quantity: int, opens_at_ms: int) -> str:
    """Create a campaign; return its id, which no other run has."""
    campaign_id = f"load-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    body = {
        "id": campaign_id,
        "name": "A promotion",
        "quantity": quantity,
        "opens_at": times.to_iso(opens_at_ms),
        "closes_at": times.to_iso(opens_at_ms + OPEN_FOR_MS),
    }
    headers = bearer(secret, "shop", "coupon:admin") | {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(  # noqa: S310 - --host is the tester's own
            f"{url}/campaigns", json.dumps(body).encode(), headers
        )
        with DIRECTLY.open(request, timeout=TIMEOUT_S) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    except (OSError, ValueError) as error:  # ValueError: no URL
        message = f"{url or 'no host'} does not answer: {error}"
        raise NotCreatedError(message) from error
    if status != CREATED:
        message = f"POST /campaigns was answered with {status}"
        raise NotCreatedError(message)
    return campaign_id
