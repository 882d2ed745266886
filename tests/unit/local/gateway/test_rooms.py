"""Calls that wait for a server that does not reply take no thread of the others."""

from __future__ import annotations

import threading
from typing import Any

from local.gateway.executor import ExecutorLimits
from tests.support.rsgi import Route, RsgiProtocol, Scope, ask_at_once

CALLS = ExecutorLimits().threads
GIVES_UP_AFTER_S = 0.3


def statuses(waiting_path: str) -> tuple[set[int], int]:
    """Let as many calls wait as there are threads, for a reader; return how all end."""
    was_read = threading.Event()

    def waits(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return {"statusCode": 200 if was_read.wait(GIVES_UP_AFTER_S) else 504, "body": "waited"}

    def reads(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        was_read.set()
        return {"statusCode": 200, "body": "read"}

    routes = Route("GET", waiting_path, waits), Route("GET", "/campaigns", reads)
    paths = [waiting_path] * CALLS + ["/campaigns"]
    replies = ask_at_once([(Scope("GET", path), RsgiProtocol()) for path in paths], *routes)
    *waited, read = (reply.status for reply in replies)
    return set(waited), read


def test_a_probe_that_hangs_does_not_take_the_readers_threads() -> None:
    assert statuses("/ready") == ({200}, 200)


def test_control_of_any_other_call_it_would_take_them() -> None:
    waited, _ = statuses("/other")
    assert 504 in waited
