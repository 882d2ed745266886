"""Moments in which a signal has to wait."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_signals() -> Iterator[None]:
    """Deliver Ctrl-C and SIGTERM after the block, not in it.

    An exception between the birth of a process and the line that notes it down would leave a
    process that nobody knows. The handlers are swapped rather than the signals blocked: a child
    would inherit the blocking, and never hear its own SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are only ever delivered to the main thread
        return
    caught: list[int] = []
    usual = {number: signal.signal(number, lambda n, _: caught.append(n)) for number in HELD}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for late in caught:
            signal.raise_signal(late)
