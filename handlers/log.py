"""Log lines: one JSON object each, on standard error, with nothing in them that is secret."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LOGGER = logging.getLogger("seonchak")


class JsonFormatter(logging.Formatter):
    """Writes time, level and message, then the line's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            # What kind of error and where, never its text: a driver's may quote what it was given.
            line["error"] = record.exc_info[0].__name__
            line["stack"] = places(record.exc_info[2])
        return json.dumps(line, default=str)


def places(trace: TracebackType | None) -> list[str]:
    """Return the lines of code that a traceback goes through, the innermost last."""
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _logger() -> logging.Logger:
    """Return the logger, wired to standard error when it is first needed."""
    if not LOGGER.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        # Lambda has a handler of its own on the root logger; every line would come twice.
        LOGGER.propagate = False
    return LOGGER


def info(message: str, fields: Mapping[str, Any]) -> None:
    """Log what happened."""
    _logger().info(message, extra={"fields": fields})


def warning(message: str, fields: Mapping[str, Any]) -> None:
    """Log what somebody should look at when it goes on."""
    _logger().warning(message, extra={"fields": fields})


def error(message: str, fields: Mapping[str, Any]) -> None:
    """Log what somebody must put right."""
    _logger().error(message, extra={"fields": fields})


def alarm(message: str, metric: str, value: int, fields: Mapping[str, Any]) -> None:
    """Log an error that is a metric as well, in CloudWatch's embedded metric format."""
    description = {"Namespace": "seonchak", "Dimensions": [[]], "Metrics": [{"Name": metric}]}
    embedded = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [description]}
    error(message, {**fields, metric: value, "_aws": embedded})


def exception(message: str, fields: Mapping[str, Any]) -> None:
    """Log the exception in hand, by kind and place."""
    _logger().exception(message, extra={"fields": fields})
