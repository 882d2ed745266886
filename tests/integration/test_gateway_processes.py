"""The gateway's processes: how they start, are replaced, and end."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from local.gateway.server import FAILED_STARTS_MAX
from tests.support.gateway import APPLICATION, ENVIRONMENT, ask, serving
from tests.support.programs import is_alive, running, running_with
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs import Program


def responds(port: int) -> bool:
    try:
        return ask(port, "GET", "/echo/1")[0].status == 200
    except OSError:
        return False


def replaced(program: Program, victim: int, *others: int) -> int:
    """Kill a worker; return the one that comes last, once as many are there as before."""
    before = {victim, *others} | {*program.children}
    os.kill(victim, signal.SIGKILL)
    gone = {victim, *others}

    def are_there() -> bool:
        return len(program.children) == len(before) and not gone & {*program.children}

    eventually(are_there, "a new worker")
    return program.children[-1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_the_current_request_finish(how: signal.Signals, tmp_path: Path) -> None:
    with serving() as (program, port), ThreadPoolExecutor(1) as pool:
        workers = program.children
        future = pool.submit(ask, port, "GET", f"/held?directory={quote(str(tmp_path))}")
        eventually((tmp_path / "started").exists, "the handler's start")
        program.process.send_signal(how)
        (tmp_path / "release").touch()
        response, body = future.result(WAIT_S)
        assert (response.status, body) == (200, b'"released"')
        assert program.wait() == 0
        assert not [pid for pid in workers if is_alive(pid)]


def test_ctrl_c_in_a_terminal_which_reaches_the_workers_too_ends_with_0() -> None:
    with serving() as (program, _):
        os.killpg(program.process.pid, signal.SIGINT)
        assert program.wait() == 0
        assert program.err.seen == []


def test_no_worker_outlives_a_gateway_that_was_killed() -> None:
    with serving() as (program, _):
        eventually(lambda: len(program.children) == 2, "both workers")
        workers = program.children
        program.stop(signal.SIGKILL)
        eventually(lambda: not any(map(is_alive, workers)), "the end of the workers")


def test_a_hangup_is_logged_and_the_same_workers_serve_on_and_stop_at_once(tmp_path: Path) -> None:
    with serving("--workers=1") as (program, port), ThreadPoolExecutor(1) as pool:
        workers = program.children
        held = pool.submit(ask, port, "GET", f"/held?directory={quote(str(tmp_path))}")
        eventually((tmp_path / "started").exists, "the handler's start")
        program.process.send_signal(signal.SIGHUP)
        program.err.until(lambda line: "SIGHUP has no effect" in line)
        assert responds(port)
        assert program.children == workers
        (tmp_path / "release").touch()
        assert held.result(WAIT_S)[0].status == 200
        assert program.stop() == 0


def test_a_worker_that_dies_is_replaced() -> None:
    with serving("--workers=1") as (program, port):
        (worker,) = program.children
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: program.children not in ([], [worker]), "a new worker")

        eventually(lambda: responds(port), "a response of the new worker")
        assert program.stop() == 0


def test_a_worker_that_dies_again_and_again_is_replaced_and_the_other_one_serves_on() -> None:
    with serving("--workers=2", "--pin=off") as (program, port):
        eventually(lambda: len(program.children) == 2, "both workers")
        other, victim = program.children
        for _ in range(FAILED_STARTS_MAX + 2):
            victim = replaced(program, victim)
            # The other one may only have been started when the first of them was killed.
            eventually(lambda: responds(port), "a response")
        assert is_alive(other)
        assert program.stop() == 0


def test_all_workers_that_die_at_once_are_replaced() -> None:
    with serving("--workers=2", "--pin=off") as (program, port):
        for _ in range(2):
            eventually(lambda: len(program.children) == 2, "both workers")
            first, second = program.children
            os.kill(first, signal.SIGKILL)
            replaced(program, second, first)
        eventually(lambda: responds(port), "a response of a new worker")
        assert program.stop() == 0


def test_a_gateway_of_which_no_worker_comes_to_stay_ends_with_1_and_says_why() -> None:
    constants = {"local.gateway.server.PAUSE_S": 0.1}
    arguments = ("--port=0", "--workers=2", "--application=tests.support.ends_at_once:application")
    with running_with("local.serve", constants, *arguments, environment=ENVIRONMENT) as program:
        assert program.wait() == 1
        assert "no worker comes to stay" in "\n".join(program.err.seen)


def test_a_stop_while_workers_are_being_replaced_ends_with_0() -> None:
    arguments = ("--port=0", "--workers=2", "--application=tests.support.ends_at_once:application")
    with running("local.serve", *arguments, environment=ENVIRONMENT) as program:
        program.err.until(lambda line: "a worker ended" in line)
        assert program.stop() == 0


def test_control_granian_itself_ends_where_one_worker_dies_twice() -> None:
    arguments = ("--port=0", "--workers=2", "--pin=off", APPLICATION)
    with running("tests.support.granian_alone", *arguments, environment=ENVIRONMENT) as program:
        program.out.until(lambda line: line.startswith("listening on"))
        eventually(lambda: len(program.children) == 2, "both workers")
        other, victim = program.children
        os.kill(replaced(program, victim), signal.SIGKILL)
        assert program.wait() == 1
        assert not is_alive(other)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_the_gateway_serves_whatever_way_to_start_processes_python_prefers(
    method: str, tmp_path: Path
) -> None:
    # Python runs this file first. 3.14 prefers a fork server, 3.13 a fork, macOS to spawn.
    prefer = f"import multiprocessing\nmultiprocessing.set_start_method({method!r})\n"
    (tmp_path / "sitecustomize.py").write_text(prefer, encoding="utf-8")
    environment = ENVIRONMENT | {"PYTHONPATH": str(tmp_path)}
    with serving("--pin=on", "--workers=2", environment=environment) as (program, port):
        assert ask(port, "GET", "/echo/1")[0].status == 200
        eventually(lambda: len(program.children) == 2, "both workers")
        assert program.stop() == 0
        assert program.err.seen == []


def test_a_port_in_use_is_reported_in_one_sentence() -> None:
    with (
        serving() as (_, port),
        running("local.serve", f"--port={port}", APPLICATION, environment=ENVIRONMENT) as second,
    ):
        assert second.wait() == 1
        (line,) = second.err.seen
        assert line == f"Cannot listen on 127.0.0.1:{port}: Address already in use."
        assert second.out.seen == []


def test_a_missing_setting_stops_the_start_and_is_named() -> None:
    environment = ENVIRONMENT | {"COUPON_CODE_SECRET": ""}
    with running("local.serve", "--port=0", APPLICATION, environment=environment) as program:
        assert program.wait() == 2
        [line] = program.err.seen
        assert line.startswith("Wrong settings: set exactly one of COUPON_CODE_SECRET,")


def test_an_unknown_application_is_reported_in_one_sentence() -> None:
    arguments = ["--port=0", "--application=local.gateway:nothing"]
    with running("local.serve", *arguments, environment=ENVIRONMENT) as program:
        assert program.wait() == 2
        (line,) = program.err.seen
        assert line.startswith("local.gateway:nothing cannot be loaded: ")


def test_the_access_log_is_one_line_for_each_request_and_off_by_default() -> None:
    with serving("--access-log") as (program, port):
        ask(port, "GET", "/echo/1")
        assert "/echo/1" in program.err.until(lambda line: "/echo/1" in line)
    with serving() as (program, port):
        ask(port, "GET", "/echo/1")
        assert program.stop() == 0
        assert program.err.seen == []
