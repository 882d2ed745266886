"""`python -m local.run` as a user runs it: pages, a campaign that opens, a crowd, the end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from handlers.config import MIGRATION_DATABASE
from local.servers.embedded import SERVER_VARIABLES
from tests.support.http_client import Call, Client
from tests.support.leftovers import leftovers
from tests.support.programs import running_command
from tests.support.state import statement
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handlers.config import Settings
    from tests.support.programs import Program

pytestmark = pytest.mark.servers

NO_SERVERS = dict.fromkeys((*SERVER_VARIABLES, *MIGRATION_DATABASE, "REDIS_CLUSTER"), "")
NO_MAKE = {"MAKEFLAGS": "", "MAKELEVEL": "0", "ARGS": ""}  # as in a terminal
EVENT_PAGE = re.compile(r"event page +http://127\.0\.0\.1:(\d+)(/events/([a-z0-9-]+))")
RUN = (sys.executable, "-m", "local.run", "--port", "0")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path: servers whose socket's path would be too long go elsewhere."""
    return tmp_path_factory.mktemp("run")


@contextmanager
def run(folder: Path, *options: str, **settings: str) -> Iterator[Program]:
    """Run it, on servers of its own unless `settings` name some; all it makes is in `folder`."""
    with started(folder, *RUN, "--out", str(folder / "out"), *options, **settings) as program:
        yield program


@contextmanager
def started(folder: Path, *command: str, **settings: str) -> Iterator[Program]:
    (folder / "tmp").mkdir(exist_ok=True)
    environment = NO_SERVERS | settings | {"TMPDIR": str(folder / "tmp")}
    with running_command(*command, environment=environment) as program:
        yield program


def address(program: Program) -> tuple[int, str, str]:
    """Return the gateway's port, the path of the event page and the campaign once it is ready."""
    program.out.until(lambda line: "Redis, Kafka, MySQL" in line)
    program.out.until(lambda line: "Gateway and poll runners" in line)
    found = EVENT_PAGE.search(program.out.until(EVENT_PAGE.search))
    assert found
    return int(found[1]), found[2], found[3]


def process_of(folder: Path, word: str) -> int:
    """Return the first process of a run whose command begins so; shells wait until it is known."""
    found = (re.match(rf" *(\d+) \S*{word}", line) for line in leftovers(folder))
    return min(int(one[1]) for one in found if one)


def test_what_it_prints_leads_to_pages_and_to_a_campaign_that_opens(
    folder: Path, world: dict[str, str]
) -> None:
    with run(folder, "--opens-in", "2", "--quantity", "7", **world) as program:
        port, page, campaign = address(program)
        assert campaign == "welcome"
        with Client(port) as client:
            for path in (page, "/console", "/docs"):
                shown = client.send(Call("GET", path))
                assert shown.status == 200, path
                assert shown.headers["Content-Type"].startswith("text/html")
            program.out.until(lambda line: "opens in " in line and "0 of 7 given" in line)
            program.out.until(lambda line: "OPEN, 24 h left" in line)
            assert client.send(Call("POST", f"/campaigns/{campaign}/apply", "kim")).status == 202
        program.out.until(lambda line: "1 of 7 given, 1 in MySQL, 0 pending" in line)
        assert program.stop(signal.SIGINT) == 0
    assert "Traceback" not in "\n".join(program.err.seen)
    assert leftovers(folder) == []


def test_a_crowd_applies_at_the_opening_and_the_verdict_is_shown(
    folder: Path, world: dict[str, str], settings: Settings, campaign_id: str
) -> None:
    statement(
        settings,
        "INSERT INTO campaign (id, name, quantity, opens_at, closes_at) "
        f"VALUES ('{campaign_id}', 'One', 1, '2026-01-01', '2027-01-01')",
    )
    crowd = ("--people", "60", "--quantity", "20", "--opens-in", "1", "--for", "1")
    with run(folder, "--id", campaign_id, *crowd, **world) as program:
        _, _, campaign = address(program)
        assert re.fullmatch(rf"{campaign_id}-[0-9a-f]{{6}}", campaign)
        program.out.until(lambda line: "60 users applied 100 times at once for 20" in line)
        assert program.wait() == 0, program.err.seen
    assert any("Every promise was kept." in line for line in program.out.seen)
    record = json.loads((folder / "out" / "crowd.json").read_text("utf-8"))
    assert (record["verdict"], record["rows_in_mysql"], record["note"]) == ("kept", 20, "")
    assert leftovers(folder) == []


def test_a_gateway_that_dies_is_named_with_its_last_lines(
    folder: Path, world: dict[str, str]
) -> None:
    with run(folder, **world) as program:
        address(program)
        os.kill(process_of(folder, "python.* local.serve"), signal.SIGKILL)
        assert program.wait() == 1
    assert "run: gateway ended with exit code -9; the end of" in "\n".join(program.err.seen)
    assert leftovers(folder) == []


def test_a_server_that_dies_is_named_and_nothing_is_left(folder: Path) -> None:
    with run(folder) as program:
        address(program)
        os.kill(process_of(folder, "tansu"), signal.SIGKILL)
        assert program.wait() == 1
    assert "run: Tansu (Kafka) has ended; the end of its log:" in "\n".join(program.err.seen)
    assert leftovers(folder) == []


def test_sigterm_ends_it_in_order_and_nothing_is_left(folder: Path) -> None:
    with run(folder, "--people", "10") as program:
        address(program)
        assert program.stop(signal.SIGTERM) == 0
    assert leftovers(folder) == []


def test_ctrl_c_before_it_is_ready_is_no_success(folder: Path, world: dict[str, str]) -> None:
    with run(folder, **world) as program:
        program.out.until(lambda line: "Redis, Kafka, MySQL" in line)
        assert program.stop(signal.SIGINT) == 130
    assert program.err.seen[-1] == "run: stopped; nothing is left running"
    assert leftovers(folder) == []


def test_nothing_outlives_a_run_that_is_killed(folder: Path) -> None:
    with run(folder, "--people", "10") as program:
        address(program)
        assert leftovers(folder)
        assert program.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: not leftovers(folder), "nothing is left")


def test_a_port_that_is_taken_is_named_before_anything_starts(folder: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        port = holder.getsockname()[1]
        with run(folder, "--port", str(port)) as program:
            assert program.wait() == 1
    assert f"run: port {port} is taken" in "\n".join(program.err.seen)
    assert program.out.seen == []
    assert leftovers(folder) == []


def test_the_command_of_the_readme_runs_everything_and_ends_by_itself(folder: Path) -> None:
    options = f"--for 3 --people 100 --opens-in 2 --port 0 --out {folder / 'out'}"
    with started(folder, "make", "run", f"ARGS={options}", **NO_MAKE) as program:
        port, page, _ = address(program)
        with Client(port) as client:
            assert client.send(Call("GET", page)).status == 200
        assert program.wait() == 0, program.err.seen
    assert any("Every promise was kept." in line for line in program.out.seen)
    assert leftovers(folder) == []
