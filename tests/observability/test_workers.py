"""Several processes behind one port for metrics: added up, replaced, stopped."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from tests.support.gateway import ENVIRONMENT, ask, serving
from tests.support.programs import running
from tests.support.prometheus import read, url_of
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from pathlib import Path

ECHO = "/echo/{id}"
RESPONSES = "seonchak_responses_total"
COMMANDS = ("local.serve", "local.poll_runner", "local.scheduler")


def answered(url: str) -> float:
    return read(url).value(RESPONSES, route=ECHO)


def send(port: int, number: int) -> None:
    for _ in range(number):
        assert ask(port, "GET", "/echo/1")[0].status == 200


def test_the_processes_of_a_gateway_are_added_up_at_every_scrape() -> None:
    with serving("--workers=2", "--metrics-port=0") as (program, port):
        url = url_of(program)
        # A connection of its own for each: the kernel gives them to both processes.
        send(port, 40)
        eventually(lambda: answered(url) == 40, "both processes to report")
        assert [answered(url) for _ in range(5)] == [40] * 5
        assert program.stop() == 0


def test_a_process_that_is_killed_loses_no_count_and_leaves_no_gauge(tmp_path: Path) -> None:
    with (
        serving("--workers=1", "--metrics-port=0") as (program, port),
        ThreadPoolExecutor() as pool,
    ):
        url = url_of(program)
        send(port, 7)
        eventually(lambda: answered(url) == 7, "the process to report")
        pool.submit(lambda: _held(port, tmp_path))
        eventually((tmp_path / "started").exists, "a handler that runs")
        busy = "seonchak_busy_threads"
        eventually(lambda: read(url).value(busy) == 1, "a busy thread to be reported")
        (worker,) = program.children
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: program.children not in ([], [worker]), "a new process")
        eventually(lambda: read(url).value(busy) == 0, "the gauge of the killed one to go")
        assert answered(url) == 7
        eventually(lambda: _answers(port), "an answer of the new process")
        eventually(lambda: answered(url) == 8, "the counts of both")
        assert program.stop() == 0


def _held(port: int, directory: Path) -> None:
    with suppress(OSError, HTTPException):  # the process is killed meanwhile
        ask(port, "GET", f"/held?directory={quote(str(directory))}")


def _answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/echo/1")[0].status == 200
    except OSError:
        return False


def test_a_scrape_while_the_gateway_stops_is_answered_and_complete(tmp_path: Path) -> None:
    with (
        serving("--workers=2", "--metrics-port=0") as (program, port),
        ThreadPoolExecutor() as pool,
    ):
        url = url_of(program)
        send(port, 12)
        eventually(lambda: answered(url) == 12, "both processes to report")
        request = pool.submit(ask, port, "GET", f"/held?directory={quote(str(tmp_path))}")
        eventually((tmp_path / "started").exists, "a handler that runs")
        workers = len(program.children)
        program.process.send_signal(signal.SIGTERM)
        eventually(lambda: len(program.children) < workers, "the idle process to end")
        assert answered(url) == 12, "of the process that has ended as well"
        (tmp_path / "release").touch()
        assert request.result(WAIT_S)[0].status == 200
        assert program.wait() == 0
        with pytest.raises(OSError, match="refused"):
            read(url)
        assert [line for line in program.err.seen if '"ERROR"' in line] == []


def test_requests_that_are_shed_are_counted_beside_their_503(tmp_path: Path) -> None:
    limits = ("--workers=1", "--threads=1", "--queue=1", "--wait-ms=200")
    with (
        serving("--metrics-port=0", *limits) as (program, port),
        ThreadPoolExecutor(10) as pool,
    ):
        url = url_of(program)
        held = pool.submit(ask, port, "GET", f"/held?directory={quote(str(tmp_path))}")
        eventually((tmp_path / "started").exists, "a handler that runs")
        others = [pool.submit(ask, port, "GET", "/echo/1") for _ in range(6)]
        shed = [other.result(WAIT_S)[0].status for other in others].count(503)
        assert shed == 6
        eventually(
            lambda: read(url).value("seonchak_shed_requests_total", queue="other") == shed,
            "the requests that were shed",
        )
        assert read(url).value(RESPONSES, route=ECHO, status="503") == shed
        (tmp_path / "release").touch()
        assert held.result(WAIT_S)[0].status == 200
        assert program.stop() == 0


def test_the_public_port_shows_no_metrics_and_the_other_port_nothing_else() -> None:
    with serving("--metrics-port=0") as (program, port):
        url = url_of(program)
        assert ask(port, "GET", "/metrics")[0].status == 404
        metrics_port = int(url.rsplit(":", 1)[1].partition("/")[0])
        assert metrics_port != port
        for path in ("/", "/health", "/metrics/", "/echo/1"):
            with pytest.raises(HTTPError, match="404"):
                read(url.replace("/metrics", path))
        assert ask(metrics_port, "POST", "/metrics")[0].status == 404
        assert program.stop() == 0


def test_without_a_port_no_line_is_written_and_nothing_is_counted() -> None:
    with serving() as (program, port):
        send(port, 1)
        assert program.stop() == 0
        assert program.err.seen == []


@pytest.mark.parametrize("module", COMMANDS)
def test_a_port_that_is_taken_ends_the_program_with_a_sentence(module: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        arguments = [f"--metrics-port={port}"]
        if module == "local.serve":
            arguments.append("--port=0")
        with running(module, *arguments, environment=ENVIRONMENT) as program:
            assert program.wait() == 1
            assert program.err.seen == [
                f"Cannot show metrics on 127.0.0.1:{port}: Address already in use."
            ]


@pytest.mark.parametrize("module", COMMANDS)
def test_a_wrong_variable_ends_the_program_with_a_sentence(module: str) -> None:
    environment = {**ENVIRONMENT, "METRICS_PORT": "70000"}
    with running(module, environment=environment) as program:
        assert program.wait() == 2
        assert "argument --metrics-port: must be 0 to 65535" in program.err.seen[-1]


def test_no_folder_is_left_of_a_gateway_that_was_stopped(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    with serving("--metrics-port=0", environment=environment) as (program, _):
        assert len(list(tmp_path.glob("seonchak-metrics-*"))) == 1
        assert program.stop() == 0
    assert list(tmp_path.glob("seonchak-metrics-*")) == []
