"""The log of the local programs: one JSON object per line on stderr.

An exception is logged by its type and stack frames, never by its text: a driver's text may quote
its input, such as a coupon's code or a part of an address.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

from handlers.log import JsonFormatter, error_fields

if TYPE_CHECKING:
    from types import TracebackType

FORMATTER = JsonFormatter()


def log_event(level: str, message: str, **fields: object) -> None:
    """Write one line with the time (ISO 8601, UTC), `level`, `message` and `fields`."""
    line = logging.makeLogRecord({"levelname": level, "msg": message, "fields": fields})
    # One write for the whole line, so that threads and processes do not mix their lines.
    sys.stderr.write(FORMATTER.format(line) + "\n")
    sys.stderr.flush()


def configure_json_logging() -> None:
    """Log in JSON what other code logs, too: libraries, warnings, threads that fail."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTER)
    logging.root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _thread_failed


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log_event("ERROR", "the program failed", **error_fields(error))


def _thread_failed(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread else ""
    fields: dict[str, Any] = error_fields(arguments.exc_value) if arguments.exc_value else {}
    log_event("ERROR", "a thread failed", thread=name, **fields)
