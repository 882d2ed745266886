"""Responses in API Gateway's proxy form; errors as problem details (RFC 9457)."""

from __future__ import annotations

import json
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers import fast_json as json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

# The one table from the code of an error or a rejection to its HTTP status.
STATUS: dict[str, HTTPStatus] = {
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "METHOD_NOT_ALLOWED": HTTPStatus.METHOD_NOT_ALLOWED,
    "INVALID_REQUEST": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "FORBIDDEN": HTTPStatus.FORBIDDEN,
    "NOT_ELIGIBLE": HTTPStatus.FORBIDDEN,
    "CHALLENGE_REQUIRED": HTTPStatus.FORBIDDEN,
    "CHALLENGE_FAILED": HTTPStatus.FORBIDDEN,
    "NO_CHALLENGE": HTTPStatus.NOT_FOUND,
    "CAMPAIGN_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "NOT_APPLIED": HTTPStatus.NOT_FOUND,
    "COUPON_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "RESERVED": HTTPStatus.CONFLICT,
    "ALREADY_USED": HTTPStatus.CONFLICT,
    "EXPIRED": HTTPStatus.CONFLICT,
    "REVOKED": HTTPStatus.CONFLICT,
    "NOT_YET_USABLE": HTTPStatus.CONFLICT,
    "WEBHOOK_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "DELIVERY_NOT_FOUND": HTTPStatus.NOT_FOUND,
    "SOLD_OUT": HTTPStatus.CONFLICT,
    "NOT_OPEN": HTTPStatus.CONFLICT,
    "NEXT_RELEASE": HTTPStatus.CONFLICT,
    "PAUSED": HTTPStatus.CONFLICT,
    "CLOSED": HTTPStatus.CONFLICT,
    "CAMPAIGN_EXISTS": HTTPStatus.CONFLICT,
    "ERASURE_WAITS": HTTPStatus.CONFLICT,
    "ALREADY_OPENED": HTTPStatus.CONFLICT,
    "QUANTITY_TOO_LOW": HTTPStatus.CONFLICT,
    "CAMPAIGN_NOT_CLOSED": HTTPStatus.CONFLICT,
    "CAMPAIGN_NOT_SETTLED": HTTPStatus.CONFLICT,
    "PRECONDITION_FAILED": HTTPStatus.PRECONDITION_FAILED,
    "PRECONDITION_REQUIRED": HTTPStatus.PRECONDITION_REQUIRED,
    "WEBHOOK_OFF": HTTPStatus.CONFLICT,
    "TOO_MANY_WEBHOOKS": HTTPStatus.CONFLICT,
    "PAYLOAD_TOO_LARGE": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "TOO_MANY_REQUESTS": HTTPStatus.TOO_MANY_REQUESTS,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}

# Python 3.13 took over RFC 9110's name of 413; a response must not depend on the Python version.
CONTENT_TOO_LARGE = "Content Too Large"

_quoted = json.encoder.encode_basestring_ascii
_encode = json_text.encoder(compact=True)

# Most clients get one of a few problems: sold out, not open. Bounded, since some details quote
# the request.
PROBLEMS_CACHED = 64

PRIVATE = {"Cache-Control": "no-store"}


def title(status: HTTPStatus) -> str:
    """Return a status's name as in RFC 9110."""
    too_large = status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return CONTENT_TOO_LARGE if too_large else status.phrase


def json_response(
    status: int, body: object, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a JSON response; unless `headers` say otherwise, no cache may store it."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **PRIVATE, **(headers or {})},
        "body": _encode(body),
    }


def method_not_allowed(allow: str, request_id: str) -> dict[str, Any]:
    """Return the response to a method that its path does not have; `allow` lists those it has."""
    response = problem("METHOD_NOT_ALLOWED", f"This path answers to {allow}.", request_id)
    response["headers"]["Allow"] = allow
    return response


def no_content() -> dict[str, Any]:
    """Return a response that has nothing to say but that it is done."""
    return {"statusCode": int(HTTPStatus.NO_CONTENT), "headers": dict(PRIVATE), "body": ""}


def text_response(status: int, body: str, content_type: str) -> dict[str, Any]:
    """Return a response that is not JSON; no cache may store it."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, **PRIVATE},
        "body": body,
    }


def problem(
    code: str,
    detail: str,
    request_id: str,
    *,
    retry_after_s: int | None = None,
    members: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a problem for `code`, a key of STATUS; `members` are extensions (RFC 9457)."""
    status = STATUS[code]
    headers = {"Content-Type": "application/problem+json", **PRIVATE}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = f'{_common_part(code, detail)},"request_id":{_quoted(request_id)}'
    for name, value in members.items() if members else ():
        body += f",{_quoted(name)}:{_quoted(value)}"
    return {"statusCode": int(status), "headers": headers, "body": f"{body}}}"}


@lru_cache(maxsize=PROBLEMS_CACHED)
def _common_part(code: str, detail: str) -> str:
    """Return the part of a problem that is the same for all clients, without the closing brace."""
    status = STATUS[code]
    body = {
        # No page explains the types, so the type is the URI that RFC 9457 gives for that case.
        "type": "about:blank",
        "title": title(status),
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    return _encode(body).removesuffix("}")
