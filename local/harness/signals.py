"""Ctrl-C and SIGTERM: the first signal stops the program in order, the others are ignored."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

T = TypeVar("T")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SignalHandler:
    """Raises KeyboardInterrupt in the main thread, or cancels the coroutine of `run`."""

    def __init__(self) -> None:
        self._cancel: Callable[[], object] | None = None
        self._number = signal.SIGINT

    @property
    def exit_code(self) -> int:
        """The exit code that shells expect after a signal: 130 after Ctrl-C."""
        return 128 + self._number

    def install(self) -> None:
        """Handle both signals for the rest of this process."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._caught)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run `coroutine` to its end; a signal lets it clean up before KeyboardInterrupt."""

        async def supervised() -> T:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            if task:
                self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            try:
                return await coroutine
            finally:
                self._cancel = None

        try:
            return asyncio.run(supervised())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    def _caught(self, number: int, _: FrameType | None) -> None:
        # Stopping takes a bounded time; a second Ctrl-C would interrupt it halfway.
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        self._number = signal.Signals(number)
        os.write(sys.stderr.fileno(), "\nstopping …\n".encode())  # print might be under way
        if self._cancel is None:
            raise KeyboardInterrupt
        self._cancel()
