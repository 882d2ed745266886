"""POST /sign-in: development's own sign-in, which no other stage has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain.errors import InvalidRequestError, NothingHereError
from handlers.domain.identifiers import is_user_id
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.edge.http.request import Request

FIELDS = frozenset({"user_id", "scope"})
# RFC 6749, section 3.3: scopes with one space between two.
SCOPES = re.compile(r"(?:[!#-\[\]-~]+(?: [!#-\[\]-~]+)*)?", re.ASCII)
SCOPE_LENGTH_MAX = 256


@endpoint
def sign_in_handler(request: Request) -> dict[str, Any]:
    """Return a token for the user that the body names."""
    settings = wiring.settings()
    if not settings.pages.has_development_sign_in:
        raise NothingHereError
    body = request.json_object()
    if body.keys() - FIELDS:
        message = "body: has user_id and scope, and nothing else"
        raise InvalidRequestError(message)
    user_id, scope = body.get("user_id"), body.get("scope", "")
    if not is_user_id(user_id):
        message = "user_id: must be 1 to 64 printable ASCII characters without spaces"
        raise InvalidRequestError(message)
    if not _is_scope(scope):
        message = f"scope: must be scopes with one space between, {SCOPE_LENGTH_MAX} characters"
        raise InvalidRequestError(message)
    # Only development pays for it: a Lambda function imports this file at its start.
    from handlers.edge.auth.development import development_token  # noqa: PLC0415

    token, expires_in_s = development_token(settings, str(user_id), scope)
    return json_response(200, {"token": token, "expires_in": expires_in_s})


def _is_scope(value: object) -> bool:
    if not isinstance(value, str) or len(value) > SCOPE_LENGTH_MAX:
        return False
    return SCOPES.fullmatch(value) is not None
