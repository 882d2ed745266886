"""Lets pages of other origins read the answers: those of ALLOWED_ORIGINS and no others (CORS).

https://fetch.spec.whatwg.org/#http-cors-protocol. Tokens are sent by a page's own code, never by
the browser itself, so nothing here allows credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.edge.http.response import no_content

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

PREFLIGHT = "OPTIONS"
# What our pages read of an answer, and what they send, beside what any page may. A proxy in between
# may write Retry-After as a date, which means something only beside the server's own.
EXPOSED = "Date, ETag, Retry-After, x-amzn-RequestId"
SENT = "Authorization, Challenge-Solution, Content-Type, If-Match"
# Browsers keep the answer to a preflight for two hours at most (Chromium).
KEPT_S = 7200


def cors_headers(origins: AbstractSet[str], origin: str | None) -> dict[str, str]:
    """Return what any response needs besides, where the request has the header `Origin: origin`.

    Where `origins` has some, the response varies with the origin, also for one that is not among
    them: a cache must not give one origin the headers of another.
    """
    if not origins:
        return {}
    if origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin or "",
        "Access-Control-Expose-Headers": EXPOSED,
        "Vary": "Origin",
    }


def preflight_response(
    origins: AbstractSet[str], allow: str, headers: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return the response to a preflight from an origin that may call, for any other request None.

    allow: the methods of the path. headers: names in lower case. The headers of cors_headers are
    not in the response.
    """
    if headers.get("origin") not in origins or "access-control-request-method" not in headers:
        return None
    response = no_content()
    response["headers"] |= {
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": str(KEPT_S),
    }
    return response
