"""Settings that only a development stage accepts: the secrets below are known to everybody."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

DEVELOPMENT_SETTINGS: Final = MappingProxyType(
    {
        "STAGE": "local",
        "AUTH_JWT_SECRET": "development-only-jwt-secret-of-32-bytes-or-more",
        "COUPON_CODE_SECRET": "development-only-code-secret-of-32-bytes-or-more",
    }
)
