"""One line on stderr that says how far a long comparison is."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

# Most comparisons end sooner, and show no progress.
INTERVAL_S = 1.0


class Progress:
    """Rewrites its line about every second, and ends it with the block."""

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self._due_at = time.monotonic() + INTERVAL_S
        self._shown = False

    def show(self, reached: int, highest: int) -> None:
        """Say how many serials are compared, when it is time to."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + INTERVAL_S
        self._shown = True
        line = f"\r{self._campaign_id}: {reached:,} of {highest:,} serials compared"
        print(line, end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            print(file=sys.stderr, flush=True)
