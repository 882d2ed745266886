"""The campaign of a run: one that opens soon, under an id that no other one has."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from handlers.domain import times

if TYPE_CHECKING:
    from local.harness.api_client import Api
    from local.run.options import RunOptions

SUFFIX_BYTES = 3
ID_LENGTH_MAX = 63


def create(api: Api, options: RunOptions, secret: str) -> str:
    """Create the campaign; return its id, which has a suffix where another campaign had it."""
    campaign_id = options.campaign
    while not api.created(_body(campaign_id, options), secret):
        suffix = f"-{secrets.token_hex(SUFFIX_BYTES)}"
        campaign_id = options.campaign[: ID_LENGTH_MAX - len(suffix)] + suffix
    return campaign_id


def _body(campaign_id: str, options: RunOptions) -> dict[str, object]:
    opens_at_ms = time.time_ns() // 1_000_000 + round(options.opens_in_s * 1000)
    return {
        "id": campaign_id,
        "name": "Welcome · 환영 쿠폰",
        "quantity": options.quantity,
        "opens_at": times.to_iso(opens_at_ms),
        "closes_at": times.to_iso(opens_at_ms + round(options.open_for_s * 1000)),
        "benefit": {
            "kind": "amount",
            "value": 5000,
            "currency": "KRW",
            "minimum_order": 20000,
        },
        "usable_days": 30,
        "time_zone": "Asia/Seoul",
    }
