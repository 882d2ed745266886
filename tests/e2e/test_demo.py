"""`python -m local.demo` as a user runs it: a process with an exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from handlers.config import MIGRATION_DATABASE
from handlers.database_address import DatabaseAddress
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.servers import MariaDB
from local.servers.embedded import SERVER_VARIABLES
from local.servers.ports import free_port
from tests.support.leftovers import leftovers
from tests.support.state import query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

# A demo takes about 12 s; a busy machine may need more.
TIMEOUT_S = 100


@contextmanager
def demo(folder: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo on servers of its own; everything temporary goes below `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir()
    servers = {*SERVER_VARIABLES, *MIGRATION_DATABASE}
    inherited = {k: v for k, v in os.environ.items() if k not in servers}
    with subprocess.Popen(
        [sys.executable, "-m", "local.demo", "--out", str(folder / "out"), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inherited | {"TMPDIR": str(temporary), **settings},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_a_small_demo_keeps_every_promise_and_leaves_its_files(tmp_path: Path) -> None:
    with demo(tmp_path, "--users", "60", "--quantity", "10") as process:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, output + errors
    assert "Every promise was kept." in output
    assert "Traceback" not in errors
    record = json.loads((tmp_path / "out" / "demo.json").read_text())
    assert record["kept"]
    assert (record["people"], record["presses"]) == (72, 120)
    assert record["answers"]["ACCEPTED"] == record["rows_in_mysql"] == 10
    assert sum(record["answers"].values()) == 120
    assert record["rows_complete_after_s"] > 0
    assert (tmp_path / "out" / "demo.svg").read_text().startswith("<?xml")
    assert (tmp_path / "out" / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "out" / "answers.csv").read_text().splitlines()) == 121
    assert leftovers(tmp_path) == []


def test_with_fewer_people_than_coupons_each_gets_one(
    tmp_path: Path, world: dict[str, str]
) -> None:
    people = ("--users", "5", "--impatient", "0", "--quantity", "9")
    with demo(tmp_path, "--servers", "env", *people, **world) as process:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, output + errors
    assert json.loads((tmp_path / "out" / "demo.json").read_text())["rows_in_mysql"] == 5


def test_a_response_that_no_open_campaign_gives_fails_the_demo(
    tmp_path: Path, world: dict[str, str]
) -> None:
    # Impatient users apply five times in the same second; one repetition is let through.
    people, limited = ("--users", "10", "--impatient", "10"), world | {"APPLY_RATE_PER_S": "1"}
    with demo(tmp_path, "--servers", "env", *people, **limited) as process:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1, output + errors
    assert "Broken: not every promise was kept." in output
    assert "x 429 TOO_MANY_REQUESTS" in output
    record = json.loads((tmp_path / "out" / "demo.json").read_text())
    assert (record["kept"], record["verdict"]) == (False, "broken")
    assert record["errors"] == record["answers"]["429 TOO_MANY_REQUESTS"] > 0
    assert [p["promise"] for p in record["promises"] if not p["kept"]] == ["All get a response"]
    assert (tmp_path / "out" / "demo.png").exists()


def test_a_mysql_that_crashes_and_comes_back_is_waited_for(
    tmp_path: Path, world: dict[str, str]
) -> None:
    with MariaDB() as mysql:
        address = DatabaseAddress.from_url(mysql.url)
        both = {
            "DATABASE_URL": mysql.service_url,
            "MIGRATION_DATABASE_URL": mysql.migration_url,
        }
        settings = world | both
        options = ("--servers", "env", "--users", "300", "--quantity", "60")
        with demo(tmp_path, *options, **settings) as process:
            assert process.stdout
            shown = iter(process.stdout)
            assert any("Opening connections" in line for line in shown)
            mysql.kill()
            mysql.start()
            output = "".join(shown)
            _, errors = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, output + errors
        assert "Every promise was kept." in output
        assert query(address, "SELECT COUNT(*) FROM coupon") == (60,)


def test_unreachable_servers_are_named_and_the_exit_code_is_1(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "DATABASE_URL": f"mysql://somebody:secret@127.0.0.1:{port}/coupons",
        **DEVELOPMENT_SETTINGS,
    }
    with demo(tmp_path, "--servers", "env", "--wait-s", "1", **settings) as process:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert f"demo: MySQL at 127.0.0.1:{port} is out of reach" in errors
    assert "Traceback" not in errors
    assert "secret" not in output + errors
    assert leftovers(tmp_path) == []


def test_servers_that_the_settings_do_not_name_are_asked_for(tmp_path: Path) -> None:
    with demo(tmp_path, "--servers", "env") as process:
        _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert errors.startswith("demo: REDIS_URL, KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL not set")


def test_a_stage_that_is_not_local_is_left_alone(tmp_path: Path) -> None:
    settings = {
        "STAGE": "prod",
        "REDIS_URL": "redis://127.0.0.1:1",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DATABASE_URL": "mysql://somebody:secret@127.0.0.1:1/coupons",
        "AUTH_JWT_SECRET": "a-secret-of-a-test-that-has-32-bytes",
        "COUPON_CODE_SECRET": "another-secret-of-a-test-of-32-bytes",
        "CHALLENGE_SECRET": "the-third-secret-of-a-test-of-32-bytes",
        "WEBHOOK_SECRET": "the-fourth-secret-of-a-test-of-32-bytes",
        "WEBHOOK_INTERNAL": "off",
        "INSECURE_ALLOWED": "redis-without-password,redis-tls,kafka-in-the-clear,database-tls",
    }
    with demo(tmp_path, **settings) as process:
        _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "STAGE=local, not prod" in errors


@pytest.mark.parametrize(
    ("shown", "number", "code"),
    [
        ("Redis, Kafka, MySQL", signal.SIGINT, 130),  # the gateway and the consumers come up
        ("Gateway and poll runners", signal.SIGTERM, 143),  # the clients connect
        ("Opening connections", signal.SIGINT, 130),  # every client applies
    ],
)
def test_a_signal_stops_everything_at_any_moment(
    tmp_path: Path, shown: str, number: signal.Signals, code: int
) -> None:
    with demo(tmp_path) as process:
        assert process.stdout
        assert any(shown in line for line in process.stdout)
        process.send_signal(number)
        process.send_signal(number)  # a second signal changes nothing
        _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code
    assert "nothing is left running" in errors
    assert "Traceback" not in errors
    assert leftovers(tmp_path) == []


def test_nothing_outlives_a_demo_that_was_killed(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        assert process.stdout
        assert any("Redis, Kafka, MySQL" in line for line in process.stdout)
        assert leftovers(tmp_path)
        process.kill()
        process.communicate(timeout=TIMEOUT_S)
    deadline, between = time.monotonic() + TIMEOUT_S, threading.Event()
    while leftovers(tmp_path) and time.monotonic() < deadline:
        between.wait(0.1)
    assert leftovers(tmp_path) == []
