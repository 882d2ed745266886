"""Bearer tokens of many different users, prepared so that making them is no part of the load."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TTL_S = 24 * 3600


def write_tokens(file: Path, secret: str, users: int) -> Path:
    """Write one HS256 token a line, of user-0, user-1 and so on; return `file`."""
    head = _base64(b'{"alg":"HS256","typ":"JWT"}')
    expires_s = int(time.time()) + TTL_S
    with file.open("wb") as lines:
        for number in range(users):
            claims = json.dumps({"sub": f"user-{number}", "exp": expires_s}).encode()
            signed = head + b"." + _base64(claims)
            signature = hmac.digest(secret.encode(), signed, hashlib.sha256)
            lines.write(signed + b"." + _base64(signature) + b"\n")
    return file


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
