"""Handlers that tests give to programs in place of the service's own."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from local.gateway.app import make_application
from tests.support.rsgi import Route

RELEASE_TIMEOUT_S = 20.0
POLL_INTERVAL_S = 0.01


def echo(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Respond with the event, the process and the remaining time."""
    left_ms = context.get_remaining_time_in_millis()
    fields = {"event": event, "pid": os.getpid(), "left_ms": left_ms}
    return {"statusCode": 200, "body": json.dumps(fields)}


def held(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Respond once the directory named in the query holds a file `release`."""
    _hold(Path(event["queryStringParameters"]["directory"]))
    return {"statusCode": 200, "body": '"released"'}


def broken(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Fail, as a handler with a bug does."""
    message = "a bug"
    raise RuntimeError(message)


def record(event: dict[str, Any], _context: Any) -> None:
    """Append the event to the file RECORD_TO, as one line."""
    with Path(os.environ["RECORD_TO"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def record_held(event: dict[str, Any], context: Any) -> None:
    """Record the event once the file's directory holds a file `release`."""
    _hold(Path(os.environ["RECORD_TO"]).parent)
    record(event, context)


def _hold(directory: Path) -> None:
    (directory / "started").touch()
    deadline = time.monotonic() + RELEASE_TIMEOUT_S
    while not (directory / "release").exists():
        assert time.monotonic() < deadline, "the test did not release the handler"
        time.sleep(POLL_INTERVAL_S)


application = make_application(
    [
        Route("GET", "/held", held),
        Route("GET", "/broken", broken),
        Route("GET", "/health", echo),
        Route("GET", "/echo/{id}", echo),
        Route("POST", "/echo/{id}", echo),
        Route("POST", "/bodyless", echo, takes_body=False),
    ]
)
