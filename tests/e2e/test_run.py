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
EVENT_PAGE = re.compile(r"event page +http://127\.0\.0\.1:(\d+)(/events/([a-z0-9-]+))")
RUN = (sys.executable, "-m", "local.run", "--port", "0")


@contextmanager
def run(folder: Path, *options: str, **settings: str) -> Iterator[Program]:
    """Run it, on servers of its own unless `settings` name some; all it makes is in `folder`."""
    with started(folder, *RUN, "--out", str(folder / "out"), *options, **settings) as program:
        yield program


@contextmanager
def started(folder: Path, *command: str, **settings: str) -> Iterator[Program]:
    (folder / "tmp").mkdir(exist_ok=True)
    environment = NO_SERVERS | {"TMPDIR": str(folder / "tmp")} | settings
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
    """Return the oldest process of a run whose command has this word; its shells do not count."""
    listed = (line.split(None, 1) for line in leftovers(folder))
    found = [int(pid) for pid, *rest in listed if rest and re.search(rf"^\S*{word}", rest[0])]
    return min(found)


def test_what_it_prints_leads_to_pages_and_to_a_campaign_that_opens(
    tmp_path: Path, world: dict[str, str]
) -> None:
    with run(tmp_path, "--opens-in", "2", "--quantity", "7", **world) as program:
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
    assert leftovers(tmp_path) == []


def test_a_crowd_applies_at_the_opening_and_the_verdict_is_shown(
    tmp_path: Path, world: dict[str, str], settings: Settings, campaign_id: str
) -> None:
    statement(
        settings,
        "INSERT INTO campaign (id, name, quantity, opens_at, closes_at) "
        f"VALUES ('{campaign_id}', 'One', 1, '2026-01-01', '2027-01-01')",
    )
    crowd = ("--people", "60", "--quantity", "20", "--opens-in", "1", "--for", "1")
    with run(tmp_path, "--id", campaign_id, *crowd, **world) as program:
        _, _, campaign = address(program)
        assert re.fullmatch(rf"{campaign_id}-[0-9a-f]{{6}}", campaign)
        program.out.until(lambda line: "60 users applied 100 times at once for 20" in line)
        assert program.wait() == 0, program.err.seen
    assert any("Every promise was kept." in line for line in program.out.seen)
    record = json.loads((tmp_path / "out" / "crowd.json").read_text("utf-8"))
    assert (record["verdict"], record["rows_in_mysql"], record["note"]) == ("kept", 20, "")
    assert leftovers(tmp_path) == []


def test_a_crowd_that_is_not_answered_as_promised_ends_the_run_with_1(
    tmp_path: Path, world: dict[str, str]
) -> None:
    # The hasty ones of the crowd apply five times in the same second.
    limited = world | {"APPLY_RATE_PER_S": "1"}
    crowd = ("--people", "30", "--quantity", "5", "--opens-in", "0", "--for", "1")
    with run(tmp_path, *crowd, **limited) as program:
        assert program.wait() == 1
    assert any("Broken: not every promise was kept." in line for line in program.out.seen)
    assert any("x 429 TOO_MANY_REQUESTS" in line for line in program.out.seen)


def test_a_gateway_that_dies_is_named_with_its_last_lines(
    tmp_path: Path, world: dict[str, str]
) -> None:
    with run(tmp_path, **world) as program:
        address(program)
        os.kill(process_of(tmp_path, "python.* local.serve"), signal.SIGKILL)
        assert program.wait() == 1
    assert "run: gateway ended with exit code -9; the end of" in "\n".join(program.err.seen)
    assert leftovers(tmp_path) == []


def test_a_server_that_dies_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with run(tmp_path) as program:
        address(program)
        os.kill(process_of(tmp_path, "valkey"), signal.SIGKILL)
        assert program.wait() == 1
    assert "run: Valkey has ended; the end of its log:" in "\n".join(program.err.seen)
    assert leftovers(tmp_path) == []


def test_sigterm_ends_it_in_order_and_nothing_is_left(tmp_path: Path) -> None:
    with run(tmp_path, "--people", "10") as program:
        address(program)
        assert program.stop(signal.SIGTERM) == 0
    assert leftovers(tmp_path) == []


def test_nothing_outlives_a_run_that_is_killed(tmp_path: Path) -> None:
    with run(tmp_path, "--people", "10") as program:
        address(program)
        assert leftovers(tmp_path)
        assert program.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: not leftovers(tmp_path), "nothing is left")


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        port = holder.getsockname()[1]
        with run(tmp_path, "--port", str(port)) as program:
            assert program.wait() == 1
    assert f"run: port {port} is taken" in "\n".join(program.err.seen)
    assert program.out.seen == []
    assert leftovers(tmp_path) == []


def test_the_command_of_the_readme_runs_everything_and_ends_by_itself(tmp_path: Path) -> None:
    options = f"--for 3 --people 100 --opens-in 2 --port 0 --out {tmp_path / 'out'}"
    with started(tmp_path, "make", "run", f"ARGS={options}", MAKEFLAGS="", ARGS="") as program:
        port, page, _ = address(program)
        with Client(port) as client:
            assert client.send(Call("GET", page)).status == 200
        assert program.wait() == 0, program.err.seen
    assert any("Every promise was kept." in line for line in program.out.seen)
    assert leftovers(tmp_path) == []
