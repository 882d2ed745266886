"""A line that changes: in place on a terminal, one line below the other on a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console as RichConsole


class LiveLine:
    """Shows what happens now, inside a block; what is printed meanwhile appears above it."""

    def __init__(self, console: RichConsole) -> None:
        self._console = console
        self._status = console.status("") if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def show(self, text: Text, *, stays: bool) -> None:
        """Show a line with the time of day. stays: it also remains on the terminal."""
        shown = Text.assemble((time.strftime("%H:%M:%S  "), "dim"), text)
        if self._status:
            self._status.update(shown)
        if stays or not self._status:
            self._console.print(shown, soft_wrap=True)
