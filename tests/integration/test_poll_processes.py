"""Several pollers of one command: they share the partitions and always end with it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import is_alive, running
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.programs import Program


def pollers(program: Program) -> list[int]:
    """Multiprocessing's tracker is a child as well, but does not run spawn_main."""
    return [
        pid
        for pid in program.children
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def both_started(program: Program) -> list[int]:
    for _ in range(2):
        program.err.until(lambda text: json.loads(text)["message"] == "started")
    return pollers(program)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_of_the_command_stops_its_pollers_in_order(
    settings: Settings, how: signal.Signals
) -> None:
    assert settings
    with running("local.poll_runner", "--processes=2", environment={}) as program:
        children = both_started(program)
        assert len(children) == 2
        os.killpg(program.process.pid, how)  # as a terminal does
        assert program.wait() == 0
        messages = [json.loads(line)["message"] for line in program.err.seen]
    assert messages.count("stopped") == 2
    assert not any(map(is_alive, children))


def test_a_poller_that_is_killed_ends_the_command_with_1(settings: Settings) -> None:
    assert settings
    with running("local.poll_runner", "--processes=2", environment={}) as program:
        killed, other = both_started(program)
        os.kill(killed, signal.SIGKILL)
        assert program.wait() == 1
        assert not is_alive(other)


def test_pollers_do_not_outlive_a_command_that_is_killed(settings: Settings) -> None:
    assert settings
    with running("local.poll_runner", "--processes=2", environment={}) as program:
        children = both_started(program)
        program.process.kill()
        eventually(lambda: not any(map(is_alive, children)), "the end of the pollers")
