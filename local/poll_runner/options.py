"""How the poll runner polls."""

from __future__ import annotations

from dataclasses import dataclass

from local.poll_runner.event import EventSource


@dataclass(frozen=True, slots=True)
class PollOptions:
    """What AWS calls the configuration of the event source mapping."""

    topic: str
    bootstrap_servers: tuple[str, ...]
    batch_size: int = 100
    batch_window_ms: int = 500
    timeout_s: float = 60.0
    source: EventSource = EventSource.MSK
    idle_exit_s: float | None = None
