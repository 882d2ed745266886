"""Granian with no application behind it: same interface, one fixed response of the same size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.gateway.executor import ExecutorLimits
    from local.gateway.rsgi import RsgiProtocol, Scope

STATUS = 409
BODY = b'{"type": "about:blank", "title": "Conflict", "status": 409, "code": "SOLD_OUT"}'.ljust(220)
HEADERS = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]


class Bare:
    """Responds without reading the request."""

    limits: ExecutorLimits  # local.serve sets both; nothing here uses them
    proxies: int

    async def __rsgi__(self, scope: Scope, exchange: RsgiProtocol) -> None:
        """Respond to one request."""
        exchange.response_bytes(STATUS, HEADERS, BODY)


application = Bare()
