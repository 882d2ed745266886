"""A line that changes: in place on a terminal, one line below the other on a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console as RichConsole


class LiveLine:
    """Shows what happens now, inside a block; what is printed meanwhile appears above it."""

    def __init__(self, console: RichConsole) -> None:
        self._console = console
        # Written when it changes, and not ten times a second.
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, text: Text, *, stays: bool) -> None:
        """Show a line with the time of day. stays: it also remains on the terminal."""
        shown = Text.assemble((time.strftime("%H:%M:%S  "), "dim"), text)
        if self._live:
            self._live.update(shown, refresh=True)
        if stays or not self._live:  # a pipe gets whole lines
            self._console.print(shown, soft_wrap=not self._live)
