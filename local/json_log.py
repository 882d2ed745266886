"""One JSON object per line on stderr: how the local programs log.

An exception is told by its kind and its places, never by its text: a driver's may quote what it
was given, a coupon's code or a part of an address.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

from handlers.log import JsonFormatter, stack_frames

if TYPE_CHECKING:
    from types import TracebackType

FORMATTER = JsonFormatter()


def log_event(level: str, message: str, **fields: object) -> None:
    """Write one line with the time (ISO 8601, UTC), `level`, `message` and `fields`."""
    line = logging.makeLogRecord({"levelname": level, "msg": message, "fields": fields})
    # One write for the whole line: threads and processes that share stderr do not mix theirs.
    sys.stderr.write(FORMATTER.format(line) + "\n")
    sys.stderr.flush()


def about(error: BaseException) -> dict[str, object]:
    """Return what a line may say about an exception."""
    return {"error": type(error).__name__, "stack": stack_frames(error.__traceback__)}


def configure_json_logging() -> None:
    """Make JSON lines of what others write, too: libraries, warnings, threads that die."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTER)
    logging.root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _died


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log_event("ERROR", "the program failed", **about(error))


def _died(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread else ""
    fields: dict[str, Any] = about(arguments.exc_value) if arguments.exc_value else {}
    log_event("ERROR", "a thread failed", thread=name, **fields)
