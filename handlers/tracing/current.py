"""This process's recorder of traces: None while they are off, and then nothing else happens."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.tracing.span import SpanRecorder

# Read as `current.recorder`, so that a check costs no call.
recorder: SpanRecorder | None = None


def now_ns() -> int:
    """Return the time, in ns since 1970; 0 while traces are off."""
    return time.time_ns() if recorder is not None else 0


def use(chosen: SpanRecorder | None) -> None:
    """Let this process record with `chosen`."""
    global recorder  # noqa: PLW0603 - the one place that sets it
    recorder = chosen


@contextmanager
def used(chosen: SpanRecorder) -> Iterator[None]:
    """Record with `chosen` for the block; for tests and benchmarks."""
    before = recorder
    use(chosen)
    try:
        yield
    finally:
        use(before)


def close() -> None:
    """Send what was recorded, within a bounded time, and switch traces off."""
    if recorder is not None:
        recorder.close()
        use(None)
