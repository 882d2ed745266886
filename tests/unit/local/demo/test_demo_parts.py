"""The demo's parts that need no servers: its HTTP client, its settings for the containers."""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING

import pytest

from handlers.config import Settings
from local.demo.burst import CONNECTIONS_MAX, BurstClient, connections_for
from local.demo.options import parse
from local.demo.requests import ApplyRequest, requests
from local.harness import compose
from local.harness.api_client import Api
from local.harness.consumer_group import last_assignment
from local.harness.http_connection import HttpConnection, MalformedHttpResponseError, get
from local.harness.processes import HarnessError
from local.harness.responses import NO_RESPONSE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from local.harness.responses import ApplyResponse

SECRET = "a-secret-of-a-test-that-has-32-bytes"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SOLD_OUT = b'HTTP/1.1 409 Conflict\r\ncontent-length: 19\r\n\r\n{"code":"SOLD_OUT"}'


def with_server(responses: list[bytes], use: Callable[[int], Awaitable[object]]) -> object:
    """Call `use` with the port of a server that gives these responses in turn, then hangs up."""
    left, handlers = iter(responses), set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        try:
            while (await reader.readuntil(b"\r\n\r\n")) and (response := next(left, b"")):
                writer.write(response)
        except (OSError, EOFError):
            pass  # the client went first
        finally:
            writer.transport.abort()

    async def run() -> object:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            try:
                return await use(server.sockets[0].getsockname()[1])
            finally:
                await asyncio.gather(*(task for task in handlers if task))

    return asyncio.run(run())


def test_a_connection_is_used_for_one_response_after_the_other() -> None:
    async def use(port: int) -> object:
        connection = HttpConnection("127.0.0.1", port)
        first = await connection.exchange(get("h", "/"))
        second = await connection.exchange(get("h", "/"))
        connection.close()
        return first, second

    assert with_server([PAGE, SOLD_OUT], use) == ((200, b"{}"), (409, b'{"code":"SOLD_OUT"}'))


@pytest.mark.parametrize(
    "nonsense", [b"220 smtp\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1\r\n\r\n"]
)
def test_a_response_that_is_not_http_is_refused(nonsense: bytes) -> None:
    with pytest.raises(MalformedHttpResponseError):
        with_server(
            [nonsense], lambda port: HttpConnection("127.0.0.1", port).exchange(get("h", "/"))
        )


def apply_once(port: int) -> Awaitable[list[ApplyResponse]]:
    async def apply() -> list[ApplyResponse]:
        client = BurstClient(Api("127.0.0.1", port), "c", timeout_s=5)
        try:
            await client.open(1, lambda _: None)
            return (await client.send_all([ApplyRequest("u", "token")], lambda _: None))[1]
        finally:
            client.close()

    return apply()


def test_a_closed_connection_has_an_outcome_of_its_own() -> None:
    responses = with_server([PAGE], apply_once)
    assert isinstance(responses, list)
    [response] = responses
    assert (response.outcome, response.status) == ("no answer (IncompleteReadError)", NO_RESPONSE)
    assert not response.expected


def test_a_campaign_without_a_page_stops_the_demo_before_the_users_apply() -> None:
    with pytest.raises(HarnessError, match=r"only 0 of 1 connections opened .* status 409"):
        with_server([SOLD_OUT], apply_once)


def test_the_impatient_apply_five_times_under_one_name() -> None:
    applications = requests(3, 2, SECRET)
    assert len(applications) == 3 + 2 * 5
    assert len({request.user for request in applications}) == 5


def test_more_requests_than_connections_share_them() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert connections_for(10) == 10
        assert connections_for(1_000_000) <= CONNECTIONS_MAX
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_fifth_of_the_users_comes_on_top_as_impatient() -> None:
    assert parse([]).impatient == 200
    assert parse(["--users", "60"]).impatient == 12
    assert parse(["--users", "60", "--impatient", "0"]).impatient == 0


@pytest.mark.parametrize(
    "wrong", [["--users", "0"], ["--quantity", "0"], ["--wait-s", "nan"], ["--servers", "moon"]]
)
def test_wrong_options_end_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(wrong)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_example_gives_whole_settings_for_the_containers() -> None:
    values = compose.read_values(own=compose.ENV_EXAMPLE, environment={})
    settings = Settings.from_environment(compose.settings_of(values))
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.kafka_bootstrap_servers == ("localhost:29092",)
    assert compose.api_address(values) == ("127.0.0.1", 8000)


def test_own_values_outweigh_the_example_and_the_environment_both(tmp_path: Path) -> None:
    (tmp_path / "example").write_text("# ports\nAPI_PORT=1\nREDIS_PORT=2\nKAFKA_PORT=3\n")
    (tmp_path / "own").write_text("REDIS_PORT = '20'\nKAFKA_PORT=30\n")
    values = compose.read_values(tmp_path / "example", tmp_path / "own", {"KAFKA_PORT": "300"})
    assert values == {"API_PORT": "1", "REDIS_PORT": "20", "KAFKA_PORT": "300"}


def test_a_missing_example_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read"):
        compose.read_values(tmp_path / "missing")


def test_the_last_assignment_of_a_log_counts(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"message": "started"}\n'
        '{"message": "partitions assigned", "partitions": ["t-0", "t-1"]}\n'
        '{"message": "partitions assigned", "partitions": ["t-1"]}\n'
        '{"message": "partitions assigned", "part'
    )
    assert last_assignment(log) == ["t-1"]
