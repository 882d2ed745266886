"""GET /health and GET /ready: liveness and readiness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain import metrics
from handlers.domain.errors import RETRY_AFTER_S, UnavailableError
from handlers.domain.server_state import ServerState
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response, problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.edge.http.request import Request


@endpoint
def health_handler(request: Request) -> dict[str, Any]:  # noqa: ARG001 - not needed
    """Return 200: this process is alive. No server is checked."""
    return json_response(200, {"status": "ok"})


@endpoint
def ready_handler(request: Request) -> dict[str, Any]:
    """Return 200 where each server responded a moment ago or does now, else 503."""
    states = wiring.readiness().states()
    if not _is_ready(states):
        request.log_fields["outcome"] = UnavailableError.code
    return _response(states, request.request_id)


def ready_from_memory(
    campaign_id: str,  # noqa: ARG001 - not needed
    authorization: str,  # noqa: ARG001 - not needed
    request_id: str,
) -> dict[str, Any] | None:
    """Respond as ready_handler would, if no server has to be asked; else return None. No I/O."""
    states = wiring.readiness().remembered()
    if states is None:
        return None
    outcome = "OK" if _is_ready(states) else UnavailableError.code
    metrics.REQUESTS.inc(("GET", "/ready", outcome))  # no scope counts the fast path
    return _response(states, request_id)


def _is_ready(states: Mapping[str, ServerState]) -> bool:
    return all(state is ServerState.OK for state in states.values())


def _response(states: Mapping[str, ServerState], request_id: str) -> dict[str, Any]:
    if _is_ready(states):
        return json_response(200, {"status": "ready", **states})
    return problem(
        UnavailableError.code,
        "Not every server answers.",
        request_id,
        retry_after_s=RETRY_AFTER_S,
        members=states,
    )
