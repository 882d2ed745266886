"""The state of a server, as GET /ready shows it."""

from __future__ import annotations

from enum import StrEnum


class ServerState(StrEnum):
    """Every state of a server."""

    OK = "ok"
    STALE = "stale"  # Redis restarted or lost its state
    UNAVAILABLE = "unavailable"
