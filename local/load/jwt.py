"""Bearer tokens with nothing but the standard library: Locust's environment has no PyJWT."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

TTL_S = 24 * 3600


def bearer(secret: str, user: str, scope: str = "", ttl_s: int = TTL_S) -> str:
    """Return an HS256 JWT for `user`, valid for `ttl_s` seconds."""
    claims: dict[str, object] = {"sub": user, "exp": int(time.time()) + ttl_s}
    if scope:
        claims["scope"] = scope
    signed = HEAD + b"." + _base64(json.dumps(claims).encode())
    return (signed + b"." + _base64(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


HEAD = _base64(b'{"alg":"HS256","typ":"JWT"}')
