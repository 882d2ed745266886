"""Waits for what is about to happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What a busy machine may need; every wait ends as soon as its condition holds.
WAIT_S = 30.0
RECHECK_S = 0.02


def eventually(condition: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
    """Wait until `condition` holds; fail naming `what` when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
        time.sleep(RECHECK_S)
