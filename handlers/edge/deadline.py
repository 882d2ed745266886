"""How much of a function's time is left."""

from __future__ import annotations

from typing import Any

# To write the log line and return; Lambda kills what is still running at the end.
RESERVE_MS = 1000


class Deadline:
    """Reads the time left from Lambda's context; without one there is no end."""

    def __init__(self, context: Any) -> None:
        self._left_ms = getattr(context, "get_remaining_time_in_millis", None)

    def allows(self, needed_ms: int) -> bool:
        """Tell whether a step that may take `needed_ms` still fits."""
        return self._left_ms is None or self._left_ms() > needed_ms + RESERVE_MS
