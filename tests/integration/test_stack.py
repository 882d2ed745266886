"""`python -m local.stack` and the servers behind it, as real processes."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis
from kafka import KafkaAdminClient

from handlers.config import ConfigurationError, Settings
from local.dev_settings import DEVELOPMENT_SETTINGS, RATE_PER_ADDRESS
from local.servers import embedded
from local.servers.embedded import environment_or_embedded
from local.servers.mariadb import is_mariadb
from local.servers.ports import free_port, is_free
from local.stack import exports
from tests.support.state import query
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.servers

# Starting takes 3 s on a quiet machine.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
SERVER_VARIABLES = ("REDIS_URL", "REDIS_CLUSTER", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
SETTINGS = len(SERVER_VARIABLES) + 1 + len(DEVELOPMENT_SETTINGS)


@contextmanager
def stack_process(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program; its servers put everything into `folder`."""
    environment = {k: v for k, v in os.environ.items() if k not in SERVER_VARIABLES}
    with subprocess.Popen(
        [sys.executable, "-m", "local.stack", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"TMPDIR": str(folder)},
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def printed_settings(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(SETTINGS)]
    words = [shlex.split(line) for line in lines]
    assert all(len(line) == 2 and line[0] == "export" for line in words), process.communicate()
    return dict(line[1].split("=", 1) for line in words)


def ports_of(settings: dict[str, str]) -> list[int]:
    addresses = [urlsplit(settings["REDIS_URL"]), urlsplit(settings["DATABASE_URL"])]
    kafka = int(settings["KAFKA_BOOTSTRAP_SERVERS"].rpartition(":")[2])
    return [kafka, *(address.port or 0 for address in addresses)]


def nothing_is_left(folder: Path, settings: dict[str, str]) -> bool:
    return not list(folder.glob("seonchak-*")) and all(map(is_free, ports_of(settings)))


def test_the_stack_prints_settings_of_servers_that_are_migrated_and_serve(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    with stack_process(tmp_path, "--env-file", str(file)) as process:
        printed = printed_settings(process)
        settings = Settings.from_environment(printed)
        assert file.read_text() == exports(printed)
        assert file.stat().st_mode & 0o777 == 0o600

        with closing(redis.Redis.from_url(settings.redis_url)) as client:
            assert (
                client.get("coupon:epoch") == client.info("replication")["master_replid"].encode()
            )
        address = settings.database_address
        assert address
        zone = "+00:00" if is_mariadb() else "SYSTEM"
        assert query(address, "SELECT COUNT(*), @@time_zone FROM campaign") == (0, zone)
        with closing(KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)) as admin:
            assert len(admin.describe_topics(["coupon_create"])[0]["partitions"]) == 6

        process.terminate()
        assert process.wait(STOP_TIMEOUT_S) == 0
        assert nothing_is_left(tmp_path, printed)
        assert not file.exists()


def test_ctrl_c_stops_every_server_and_removes_its_data(tmp_path: Path) -> None:
    with stack_process(tmp_path, "--no-migrate") as process:
        printed = printed_settings(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_TIMEOUT_S) == 0
        assert nothing_is_left(tmp_path, printed)


def test_a_killed_stack_leaves_no_server_and_no_data_behind(tmp_path: Path) -> None:
    with stack_process(tmp_path, "--no-migrate") as process:
        printed = printed_settings(process)
        assert not nothing_is_left(tmp_path, printed)
        process.kill()
        process.wait(STOP_TIMEOUT_S)
        eventually(lambda: nothing_is_left(tmp_path, printed), "nothing left of them")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_starting_ends_it_with_the_exit_code_of_that_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    with stack_process(tmp_path) as process:
        assert process.stderr
        while "starting M" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(STOP_TIMEOUT_S) == 128 + number
        assert not list(tmp_path.glob("seonchak-*"))


@pytest.mark.parametrize("option", ["--redis-port", "--kafka-port", "--mysql-port"])
def test_a_taken_port_is_named_and_ends_the_start(tmp_path: Path, option: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with stack_process(tmp_path, option, str(port)) as process:
            output, errors = process.communicate(timeout=START_TIMEOUT_S)
    assert process.returncode == 1
    assert not output
    assert f"127.0.0.1:{port}: the port is taken" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.glob("seonchak-*"))


def test_fixed_ports_are_used(tmp_path: Path) -> None:
    wanted = [free_port(), free_port(), free_port()]
    options = [
        word
        for name, port in zip(("kafka", "redis", "mysql"), wanted, strict=True)
        for word in (f"--{name}-port", str(port))
    ]
    with stack_process(tmp_path, "--no-migrate", *options) as process:
        assert ports_of(printed_settings(process)) == wanted
        process.terminate()
        assert process.wait(STOP_TIMEOUT_S) == 0


def test_settings_are_quoted_for_the_shell() -> None:
    value = 'it\'s $HOME; `x` "y" \\'
    line = exports({"NAME": value}) + 'printf %s "$NAME"'
    result = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True)
    assert result.stdout == value


def test_only_some_servers_in_the_environment_are_an_error_that_names_the_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*SERVER_VARIABLES, "DATABASE_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    with (
        pytest.raises(ConfigurationError, match=r"^KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL not set"),
        environment_or_embedded(),
    ):
        pytest.fail("must not be reached")


def test_servers_of_the_environment_are_used_when_all_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DATABASE_URL": "mysql://a:b@127.0.0.1:1/c",
    }
    monkeypatch.delenv("STAGE", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with environment_or_embedded("env") as environment:
        settings = Settings.from_environment(environment)
    assert settings.redis_url == given["REDIS_URL"]
    assert settings.stage == "local"


@pytest.mark.parametrize(("chosen", "given"), [("", "1000000"), ("50", "50")])
def test_of_embedded_servers_settings_the_limit_of_an_address_may_be_chosen(
    monkeypatch: pytest.MonkeyPatch, chosen: str, given: str
) -> None:
    stack = SimpleNamespace(settings=dict(DEVELOPMENT_SETTINGS))
    monkeypatch.setattr(embedded, "running_stack", lambda *_, **__: nullcontext(stack))
    monkeypatch.setenv(RATE_PER_ADDRESS, chosen)
    monkeypatch.setenv("AUTH_JWT_SECRET", "another")
    with environment_or_embedded("embedded") as environment:
        assert environment[RATE_PER_ADDRESS] == given
        assert environment["AUTH_JWT_SECRET"] == DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"]
