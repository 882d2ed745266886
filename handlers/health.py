"""GET /health and GET /ready: liveness and readiness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain.errors import RETRY_AFTER_S, StaleStateError, UnavailableError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response, problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.edge.http.request import Request


@endpoint
def health_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - not needed
    """Return 200: this process is alive. No server is checked."""
    return json_response(200, {"status": "ok"})


@endpoint
def ready_handler(request: Request) -> dict[str, Any]:
    """Ping each server; 503 unless all of them respond."""
    states = {
        "redis": _state("redis", lambda: wiring.redis_campaigns().ping()),
        "kafka": _state("kafka", lambda: wiring.publisher().ping()),
        "mysql": _state("mysql", lambda: wiring.mysql_queries().ping()),
    }
    if all(state == "ok" for state in states.values()):
        return json_response(200, {"status": "ready", **states})
    request.log_fields["outcome"] = UnavailableError.code
    return problem(
        UnavailableError.code,
        "Not every server answers.",
        request.request_id,
        retry_after_s=RETRY_AFTER_S,
        members=states,
    )


def _state(name: str, ping: Callable[[], None]) -> str:
    try:
        ping()
    except StaleStateError:
        return "stale"
    except UnavailableError as error:
        log.warning("not ready", {"server": name, "cause": type(error.__cause__).__name__})
        return "unavailable"
    return "ok"
