"""A filled service on the session's servers, and the gateway as a program in front of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from tests.fuzz.cluster import EVERYTHING, fill_servers, reset_wiring, secrets_of
from tests.support.programs import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

if sys.platform != "linux":
    collect_ignore = ["test_connections.py"]  # macOS lacks the addresses, and the kernel's help


@pytest.fixture
def secrets(clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Handlers with campaigns in every state; yields the secrets that none may reveal."""
    reset_wiring(monkeypatch)
    fill_servers()
    yield secrets_of(clean)
    wiring.reset()


@pytest.fixture
def port(secrets: set[str], environment: dict[str, str]) -> Iterator[int]:
    """The gateway on a free port; all its workers must outlive the test."""
    with running("local.serve", "--port=0", environment=environment | EVERYTHING) as program:
        line = program.out.until(lambda line: "listening on" in line)
        workers = program.children
        yield int(line.rpartition(":")[2])
        assert program.children == workers
        assert program.stop() == 0
