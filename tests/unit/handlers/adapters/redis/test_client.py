"""Redis's adapters without Redis: keys, clients, and which errors mean an outage."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import SentinelConnectionPool, SentinelManagedConnection

from handlers.adapters.redis import client as redis_client
from handlers.adapters.redis import scripts as redis_scripts
from handlers.adapters.redis.client import (
    BatchConnection,
    BatchSharedSSLConnection,
    BatchSSLConnection,
    BatchUnixConnection,
    connect,
)
from handlers.adapters.redis.keys import CAMPAIGNS, EPOCH, CampaignKeys
from handlers.adapters.redis.own_connection import DIRECT
from handlers.adapters.redis.scripts import FOLDER, Script, Scripts
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.adapters.redis.thread_local_client import ThreadLocalRedis
    from handlers.config import Settings

CONTRACT = ["campaign", "applied_user", "coupon_count", "returned", "pending"]


class Client:
    """Returns or raises the given replies; records the commands."""

    def __init__(self, *replies: object) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[Any, ...]] = []

    def execute_command(self, *args: Any) -> Any:
        self.asked.append(args)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        self.asked += commands
        replies = [self.replies.pop(0) for _ in commands]
        for reply in replies:
            if isinstance(reply, KeyError):
                raise reply
        return replies


def scripts_on(client: Client, *, epoch: bool = True) -> Scripts:
    return Scripts(lambda: cast("ThreadLocalRedis", client), epoch=epoch)


def test_keys_are_named_as_the_contract_says() -> None:
    assert list(CampaignKeys.of("welcome").all()) == [
        f"coupon:{{welcome}}:{name}" for name in CONTRACT
    ]
    assert CampaignKeys.of("welcome").rate == "coupon:{welcome}:rate"
    assert (CAMPAIGNS, EPOCH) == ("coupon:campaigns", "coupon:epoch")


@pytest.mark.parametrize(
    "error",
    [
        RedisConnectionError("down"),
        RedisTimeoutError("slow"),
        AuthenticationError("no"),
        ResponseError("OOM"),
        OutOfMemoryError("full"),
        ReadOnlyError("replica"),
        ClusterDownError("down"),
        MovedError("1 127.0.0.1:1"),
        RedisClusterException("no node can be reached"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_of_redis_is_an_outage_with_its_cause(error: Exception) -> None:
    with pytest.raises(UnavailableError) as caught:
        scripts_on(Client(error)).run(Script("epoch/is_listed"), [EPOCH], "")
    assert caught.value.__cause__ is error


def test_a_script_that_redis_has_forgotten_is_sent_as_text() -> None:
    client, script = Client(NoScriptError("NOSCRIPT"), 1), Script("epoch/is_listed")
    assert scripts_on(client).run(script, [EPOCH], "run") == 1
    assert [asked[0] for asked in client.asked] == ["EVALSHA", "EVAL"]
    assert client.asked[1] == ("EVAL", script.source, 1, EPOCH, "run")
    assert client.asked[0][1] == script.digest


def test_every_command_of_the_service_goes_over_a_threads_own_connection() -> None:
    sources = [file.read_text() for file in FOLDER.parent.glob("*.py")]
    sent = set(re.findall(r'\.command\(\s*(?:\*\()?"([A-Z]+)"', "\n".join(sources)))
    assert {"SADD", "ZRANGE", "EVALSHA"} < sent
    assert sent == DIRECT


def test_a_bug_is_not_an_outage() -> None:
    with pytest.raises(KeyError):
        scripts_on(Client(KeyError("bug"))).command("GET", "x")


@pytest.mark.parametrize(("epoch", "argument"), [(True, "1"), (False, "")])
def test_without_an_epoch_scripts_do_not_compare(epoch: bool, argument: str) -> None:  # noqa: FBT001 - a parameter of a test
    client = Client(b"LISTED")
    assert scripts_on(client, epoch=epoch).epoch_is_known()
    assert client.asked[0][-1] == argument


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://:password@redis.example.com:6380/2", BatchConnection),
        ("rediss://redis.example.com", BatchSharedSSLConnection),
        ("rediss://redis.example.com?ssl_certfile=/client.pem", BatchSSLConnection),
        ("unix:///run/redis.sock", BatchUnixConnection),
    ],
)
def test_every_kind_of_address_has_a_connection_of_ours(
    service_settings: Settings, url: str, kind: type
) -> None:
    client = connect(dataclasses.replace(service_settings, redis_url=url))
    assert isinstance(client, Redis)
    assert client.connection_pool.connection_class is kind
    client.close()


@pytest.mark.parametrize(
    ("url", "kind", "of_sentinels"),
    [
        ("redis+sentinel://:password@a,b/shop/2", BatchConnection, BatchConnection),
        ("rediss+sentinel://a/shop/2", BatchSharedSSLConnection, BatchSharedSSLConnection),
    ],
)
def test_behind_sentinels_a_connection_is_of_the_same_kind_and_asks_for_its_address(
    service_settings: Settings, url: str, kind: type, of_sentinels: type
) -> None:
    client = connect(dataclasses.replace(service_settings, redis_url=url))
    assert isinstance(client, Redis)
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert issubclass(pool.connection_class, kind)
    assert issubclass(pool.connection_class, SentinelManagedConnection)
    assert (pool.service_name, pool.connection_kwargs["db"]) == ("shop", 2)
    for sentinel in pool.sentinel_manager.sentinels:
        assert sentinel.connection_pool.connection_class is of_sentinels
        # The primary's password and database are not for the sentinels.
        assert not {"password", "db"} & set(sentinel.connection_pool.connection_kwargs)
    client.close()


def test_a_url_may_set_options_of_its_own(service_settings: Settings) -> None:
    url = "redis://redis.example.com/3?socket_timeout=0.5"
    client = connect(dataclasses.replace(service_settings, redis_url=url))
    assert isinstance(client, Redis)
    options = client.connection_pool.connection_kwargs
    assert (options["db"], options["socket_timeout"]) == (3, 0.5)
    assert options["socket_connect_timeout"] == redis_client.CONNECT_TIMEOUT_S
    client.close()


def test_in_a_batch_each_call_has_its_own_reply_or_error() -> None:
    script = Script("epoch/is_listed")
    client = Client(1, RedisTimeoutError("slow"), NoScriptError("NOSCRIPT"), 3)
    calls = [((EPOCH,), (run,)) for run in ("first", "second", "third")]
    first, second, third = scripts_on(client).run_all(script, calls)
    assert (first, third) == (1, 3)
    assert isinstance(second, UnavailableError)
    assert isinstance(second.__cause__, RedisTimeoutError)
    assert [asked[-1] for asked in client.asked] == ["first", "second", "third", "third"]


def test_a_cluster_of_which_no_node_responds_is_asked_by_one_caller_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts = []

    def connect_in_vain() -> ThreadLocalRedis:
        attempts.append(1)
        message = "no node can be reached"
        raise RedisClusterException(message)

    monkeypatch.setattr(redis_scripts, "CONNECT_AGAIN_S", 3600)
    scripts = Scripts(connect_in_vain, epoch=True, is_cluster=True)
    assert scripts.is_cluster
    for _ in range(3):
        with pytest.raises(UnavailableError):
            scripts.command("GET", EPOCH)
    assert len(attempts) == 1


def test_a_batch_without_a_server_has_an_error_for_each() -> None:
    def connect_in_vain() -> ThreadLocalRedis:
        message = "no node can be reached"
        raise RedisClusterException(message)

    calls = [((EPOCH,), ("run",))] * 2
    replies = Scripts(connect_in_vain, epoch=True).run_all(Script("epoch/is_listed"), calls)
    assert [type(reply) for reply in replies] == [UnavailableError] * 2
    assert all(isinstance(reply.__cause__, RedisClusterException) for reply in replies)


def test_a_bug_is_not_an_outage_of_a_batch_either() -> None:
    with pytest.raises(KeyError):
        scripts_on(Client(1, KeyError("bug"))).run_all(
            Script("epoch/is_listed"), [((EPOCH,), ("",))] * 2
        )
