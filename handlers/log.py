"""Log lines: one JSON object each, on standard error, without secrets."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handlers import fast_json as json_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LOGGER = logging.getLogger("seonchak")
_encode = json_text.encoder(default=str)


class JsonFormatter(logging.Formatter):
    """Writes time, level and message, then the line's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line |= error_fields(record.exc_info[1])
        return _encode(line)


class _FastLogRecord(logging.LogRecord):
    """A record that sets only the attributes that JsonFormatter writes.

    The parent looks up caller, thread and process for each record: slower than writing it.
    """

    # Attributes that other formatters may expect.
    _rest = vars(logging.LogRecord(LOGGER.name, logging.INFO, __file__, 0, "", None, None))

    def __init__(self, level: int, message: str, fields: Mapping[str, Any]) -> None:
        vars(self).update(self._rest)
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.msg, self.args, self.fields = message, None, fields


@lru_cache(maxsize=2)  # all lines within a second share it
def _second(epoch_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch_s))


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return an error's type and location, not its text: a driver's may quote its input.

    The text of an error that says `has_own_text` is a sentence of ours, such as why MySQL failed.
    """
    detail = {"detail": str(error)} if getattr(error, "has_own_text", False) else {}
    kind, stack = type(error).__name__, stack_frames(error.__traceback__)
    return {"error": kind, **detail, "stack": stack}


def stack_frames(trace: TracebackType | None) -> list[str]:
    """Return the lines of code that a traceback goes through, the innermost last."""
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _logger() -> logging.Logger:
    """Return the logger; attach it to standard error on first use."""
    if not LOGGER.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        # Lambda has a handler of its own on the root logger; every line would appear twice.
        LOGGER.propagate = False
    return LOGGER


def _write(line: _FastLogRecord) -> None:
    logger = _logger()
    if logger.isEnabledFor(line.levelno):
        logger.handle(line)


def info(message: str, fields: Mapping[str, Any]) -> None:
    """Log what happened."""
    _write(_FastLogRecord(logging.INFO, message, fields))


def warning(message: str, fields: Mapping[str, Any]) -> None:
    """Log what the operator should look at when it continues."""
    _write(_FastLogRecord(logging.WARNING, message, fields))


def error(message: str, fields: Mapping[str, Any]) -> None:
    """Log what the operator must fix."""
    _write(_FastLogRecord(logging.ERROR, message, fields))


def emit_metric(message: str, metric: str, value: int, fields: Mapping[str, Any]) -> None:
    """Log an error that is also a metric, in CloudWatch's embedded metric format."""
    description = {"Namespace": "seonchak", "Dimensions": [[]], "Metrics": [{"Name": metric}]}
    embedded = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [description]}
    error(message, {**fields, metric: value, "_aws": embedded})


def exception(message: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None:
    """Log `error`, else the exception being handled, by type and location."""
    line = _FastLogRecord(logging.ERROR, message, fields)
    line.exc_info = (
        (type(error), error, error.__traceback__) if error is not None else sys.exc_info()
    )
    _write(line)
