"""Settings of a development stage. Only this stage accepts these secrets, which are public."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

RATE_PER_ADDRESS: Final = "APPLY_RATE_PER_ADDRESS_PER_S"

DEVELOPMENT_SETTINGS: Final = MappingProxyType(
    {
        "STAGE": "local",
        "AUTH_JWT_SECRET": "development-only-jwt-secret-of-32-bytes-or-more",
        "COUPON_CODE_SECRET": "development-only-code-secret-of-32-bytes-or-more",
        "CHALLENGE_SECRET": "development-only-challenge-secret-of-32-bytes-or-more",
        "WEBHOOK_SECRET": "development-only-webhook-secret-of-32-bytes-or-more",
        "WEBHOOK_INTERNAL": "on",
        # On one machine all users share one address. High, not off: the requests are still counted.
        RATE_PER_ADDRESS: "1000000",
    }
)
