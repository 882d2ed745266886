"""Defers signals during short blocks of code."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFERRED = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Deliver Ctrl-C and SIGTERM after the block, not in it.

    An exception between the start of a process and the line that records it would leave a
    process without an owner. This swaps the handlers and does not block the signals: a child
    would inherit the blocking, and never receive its own SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are only ever delivered to the main thread
        return
    caught: list[int] = []
    usual = {number: signal.signal(number, lambda n, _: caught.append(n)) for number in DEFERRED}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for late in caught:
            signal.raise_signal(late)
