"""GET /openapi.json: the description of this interface, in OpenAPI 3.1."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.edge.http.request import Request

# It changes with a deployment only.
PUBLIC = {"Cache-Control": "max-age=300"}


@endpoint
def openapi_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - not needed
    """Return the document of every route."""
    response = _response()
    return {**response, "headers": dict(response["headers"])}


@cache
def _response() -> dict[str, Any]:
    """Return the response, made once: it is long, and the same for everyone."""
    # The document is made from the route table, which this handler is in; and no other call
    # imports it.
    from handlers.api.document import document  # noqa: PLC0415

    return json_response(200, document(), PUBLIC)
