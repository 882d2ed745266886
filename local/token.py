"""Mint a bearer token for development: `python -m local.token --user 42`.

Tools and tests sign with it, too; standard library only, as Locust's environment has no PyJWT.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from handlers.env_parser import SECRET_BYTES_MIN
from local.dev_settings import DEVELOPMENT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXIT_INVALID = 2
TTL_S_DEFAULT = 3600
DAY_S = 86_400  # longer than any run of the tools, and the longest that a service takes
USER_ID = re.compile(r"[!-~]{1,64}")  # printable ASCII without the space
SECRET_VARIABLE = "AUTH_JWT_SECRET"  # noqa: S105 - the name, not the secret


def mint(secret: str, user: str, scope: str = "", ttl_s: int = DAY_S) -> str:
    """Return an HS256 JWT for `user` with space-separated `scope`, valid for `ttl_s` seconds.

    It has no time of issue: a service whose clock is behind would reject it.
    Raises ValueError for a user id that the service would reject.
    """
    if not USER_ID.fullmatch(user):
        message = "A user id is 1 to 64 printable ASCII characters without spaces."
        raise ValueError(message)
    claims: dict[str, Any] = {"sub": user, "exp": int(time.time()) + ttl_s}
    return sign(claims | ({"scope": scope} if scope else {}), secret)


def bearer(secret: str, user: str, scope: str = "") -> dict[str, str]:
    """Return the header of a request by `user`."""
    return {"Authorization": f"Bearer {mint(secret, user, scope)}"}


def sign(claims: Mapping[str, Any], secret: str, algorithm: str = "HS256") -> str:
    """Return a JWT signed with HMAC-SHA256, with any `algorithm` in its header."""
    header = {"alg": algorithm, "typ": "JWT"}
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    digest = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return b".".join((signed, _base64url(digest))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Print a token; return 0, or 2 when it cannot be minted."""
    options = _parser().parse_args(arguments)
    secret = environment.get(SECRET_VARIABLE, "")
    if not secret and environment.get("STAGE", "local") == "local":
        secret = DEVELOPMENT_SETTINGS[SECRET_VARIABLE]
    try:
        if len(secret.encode()) < SECRET_BYTES_MIN:
            message = f"{SECRET_VARIABLE} must be set to {SECRET_BYTES_MIN} bytes or more."
            raise ValueError(message)  # noqa: TRY301 - one handler prints both errors
        token = mint(secret, options.user, " ".join(options.scope), options.ttl_s)
    except ValueError as error:
        print(error, file=sys.stderr)
        return EXIT_INVALID
    print(token)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.token",
        description=f"Print a bearer token signed with {SECRET_VARIABLE} (else: development's).",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--user", required=True, help="the user id: 1 to 64 printable ASCII characters")
    add("--scope", action="append", default=[], help="e.g. coupon:admin; may be repeated")
    add(
        "--ttl-s",
        type=int,
        default=TTL_S_DEFAULT,
        help="seconds until it expires; a service takes a day",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
