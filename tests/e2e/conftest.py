"""The whole system as programs: HTTP servers and a poll runner on a topic of their own."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.migration.topic import ensure_topic
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.servers.ports import free_port
from tests.conftest import say
from tests.support.http_client import Call, Client
from tests.support.moved_redis import address, group
from tests.support.programs import running, running_with
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from tests.support.programs import Program

__all__ = ["address", "group"]  # fixtures
WAIT_S = 30.0


@pytest.fixture
def world(clean: Settings, environment: dict[str, str]) -> dict[str, str]:
    """The environment of programs with empty tables and a topic and group of this test alone."""
    name = f"coupon_{uuid.uuid4().hex[:12]}"
    own = {**environment, "COUPON_TOPIC": name, "CONSUMER_GROUP": f"group_{name}"}
    ensure_topic(Settings.from_environment(own), RetryDeadline(WAIT_S, say))
    return own


@contextmanager
def gateway(
    environment: Mapping[str, str], constants: Mapping[str, float] | None = None
) -> Iterator[Client]:
    """Run our own HTTP gateway with two processes; with other constants if there are any."""
    with program_of("local.serve", constants, "--port", "0", environment=environment) as program:
        line = program.out.until(lambda text: "listening on" in text)
        with Client(int(line.rsplit(":", 1)[1].strip("/ "))) as client:
            yield client
        assert program.stop() == 0


@contextmanager
def chalice_local(
    environment: Mapping[str, str], constants: Mapping[str, float] | None = None
) -> Iterator[Client]:
    """Run `chalice local` from the root, as a user would; with other constants likewise."""
    port = free_port()
    arguments = ("--stage", "local", "--port", str(port), "--no-autoreload")
    home = program_of("local.chalice_local", constants, *arguments, environment=environment)
    with home as program:
        with Client(port) as client:
            eventually(lambda: responds(port), "chalice local answers")
            yield client
        assert program.process.poll() is None, "it ended by itself"


def program_of(
    module: str,
    constants: Mapping[str, float] | None,
    *arguments: str,
    environment: Mapping[str, str],
) -> AbstractContextManager[Program]:
    if constants:
        return running_with(module, constants, *arguments, environment=environment)
    return running(module, *arguments, environment=environment)


@contextmanager
def poll_runner(environment: Mapping[str, str]) -> Iterator[None]:
    """Run a consumer with small batches, so that what comes is written soon."""
    arguments = ("--batch-window-ms", "50")
    with running("local.poll_runner", *arguments, environment=environment) as program:
        program.err.until(lambda line: "assigned" in line)
        yield
        assert program.stop() == 0


@contextmanager
def relayed_poll_runner(environment: Mapping[str, str]) -> Iterator[None]:
    """Run a consumer, and the scheduler beside it.

    On a busy machine an ack may come too late, and MySQL may have no place for the row: then the
    relay sends the admission. It rebuilds only once, when there is nothing to rebuild.
    """
    intervals = ("--interval-s", "0.5", "--rebuild-interval-s", "3600")
    impatient = {**environment, "PENDING_RESEND_AFTER_S": "1"}
    with (
        running("local.scheduler", *intervals, environment=impatient) as scheduler,
        poll_runner(environment),
    ):
        scheduler.err.until(lambda line: "started" in line)
        yield
        assert scheduler.stop() == 0


def responds(port: int) -> bool:
    with Client(port) as client:
        try:
            return client.send(Call("GET", "/health")).status == 200
        except OSError:
            return False
