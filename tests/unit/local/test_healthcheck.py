"""local/healthcheck.py: when a container is healthy."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from local import healthcheck
from local.dev_settings import DEVELOPMENT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN = frozenset({"172.18.0.7"})


@contextmanager
def server_that_responds(status: int, body: bytes) -> Iterator[str]:
    """Respond to every request like this; yield the address of /ready."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/ready"
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_says_it_is_ready_is_healthy() -> None:
    with server_that_responds(200, b"{}") as url:
        assert healthcheck.main([url]) == 0


def test_a_server_that_is_not_ready_is_unhealthy_and_its_reason_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with server_that_responds(503, b'{"mysql":"down"}') as url:
        assert healthcheck.main([url]) == 1
    assert '503: {"mysql":"down"}' in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/ready", "file:///etc/hostname", "nonsense"])
def test_an_address_without_an_http_server_is_unhealthy(url: str) -> None:
    assert healthcheck.main([url]) == 1


@pytest.mark.parametrize("client_host", ["/172.18.0.7", "consumer/172.18.0.7", "172.18.0.7"])
def test_a_consumer_is_a_member_when_one_of_the_group_comes_from_its_host(client_host: str) -> None:
    others = {"client_host": "/172.18.0.8"}
    assert healthcheck.is_member([others, {"client_host": client_host}], OWN)


@pytest.mark.parametrize("hosts", [[], ["/172.18.0.8"], ["/172.18.0.77"]])
def test_a_consumer_that_was_put_out_of_its_group_is_unhealthy(hosts: list[str]) -> None:
    assert not healthcheck.is_member([{"client_host": host} for host in hosts], OWN)


def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "DATABASE_SECRET_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in DEVELOPMENT_SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert healthcheck.main(["--group-member"]) == 1
    assert capsys.readouterr().err == "REDIS_URL is not set\n"


def test_neither_or_both_checks_are_a_wrong_command_line() -> None:
    for arguments in ([], ["--group-member", "http://127.0.0.1/ready"]):
        with pytest.raises(SystemExit, match="2"):
            healthcheck.main(arguments)


def test_a_scheduler_is_healthy_while_its_rounds_end(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    assert healthcheck.main(["--heartbeat", str(heartbeat)]) == 1
    heartbeat.touch()
    assert healthcheck.main(["--heartbeat", str(heartbeat)]) == 0
    late = time.time() - healthcheck.HEARTBEAT_AGE_S_MAX - 1
    os.utime(heartbeat, (late, late))
    assert healthcheck.main(["--heartbeat", str(heartbeat)]) == 1
