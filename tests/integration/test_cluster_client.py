"""cluster_client.py on a cluster of three primaries, each with a replica."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from handlers.adapters.redis import cluster_client
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.cluster_client import ThreadLocalCluster
from handlers.adapters.redis.own_connection import OwnConnection
from handlers.config import Settings
from local.servers import ValkeyCluster
from local.servers.valkey_group import ask
from tests.support.waiting import eventually
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis.cluster import ClusterNode

    from handlers.adapters.redis.own_connection import Command

pytestmark = pytest.mark.servers
ECHO = "return {KEYS[1], ARGV[1]}"
KEYS = [f"key-{n}" for n in range(30)]
# How long a node is waited for here: long enough for the nodes that respond on a busy machine.
PATIENCE_S = 2.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    with ValkeyCluster() as made:
        yield made


def settings_of(cluster: ValkeyCluster) -> Settings:
    return Settings.from_environment(
        ENVIRONMENT | {"REDIS_URL": cluster.url, "REDIS_CLUSTER": "on"}
    )


@pytest.fixture
def client(cluster: ValkeyCluster) -> Iterator[ThreadLocalCluster]:
    eventually(cluster.is_whole, "a cluster that is whole")
    made = connect(settings_of(cluster))
    assert isinstance(made, ThreadLocalCluster)
    with closing(made):
        yield made


def echoes(number: int = 1) -> list[tuple[Any, ...]]:
    return [("EVAL", ECHO, 1, key, f"{key}-{number}") for key in KEYS]


def expected(number: int = 1) -> list[list[bytes]]:
    return [[key.encode(), f"{key}-{number}".encode()] for key in KEYS]


class Frozen:
    """A primary that does not respond, and the keys that it has."""

    def __init__(self, cluster: ValkeyCluster) -> None:
        self.node = cluster.owner_of(KEYS[0])
        self.keys = {key for key in KEYS if cluster.owner_of(key) is self.node}
        self.node.freeze()

    def only_its_own_fail(self, replies: list[Any]) -> bool:
        of_others = [reply for reply in expected() if reply[0].decode() not in self.keys]
        errors = [reply for reply in replies if isinstance(reply, RedisError)]
        rest = [reply for reply in replies if not isinstance(reply, RedisError)]
        return rest == of_others and len(errors) == len(self.keys)


@pytest.fixture
def frozen(
    cluster: ValkeyCluster, client: ThreadLocalCluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Frozen]:
    """A primary that does not respond, and whose replica does not take over meanwhile."""
    for patience in ("GRACE_S", "PROBE_TIMEOUT_S"):
        monkeypatch.setattr(cluster_client, patience, PATIENCE_S)
    assert client.execute_all(echoes()) == expected()
    for node in cluster.nodes:
        ask(node, "CONFIG", "SET", "cluster-node-timeout", 60_000)
    made = Frozen(cluster)
    yield made
    made.node.resume()
    for each in cluster.nodes:
        ask(each, "CONFIG", "SET", "cluster-node-timeout", 1000)


def test_replies_of_all_nodes_come_in_the_order_of_the_commands(
    cluster: ValkeyCluster, client: ThreadLocalCluster
) -> None:
    assert len({cluster.owner_of(key).port for key in KEYS}) == 3
    for number in range(20):
        assert client.execute_all(echoes(number)) == expected(number)


def test_an_error_is_the_reply_to_its_own_command_only(client: ThreadLocalCluster) -> None:
    commands = [*echoes()[:3], ("EVALSHA", "0" * 40, 1, KEYS[3]), *echoes()[4:]]
    replies = client.execute_all(commands)
    assert isinstance(replies.pop(3), ResponseError)
    assert replies == [*expected()[:3], *expected()[4:]]
    with pytest.raises(ResponseError, match="No matching script"):
        client.execute_command("EVALSHA", "0" * 40, 1, KEYS[3])


def waits_of(
    client: ThreadLocalCluster, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Return what the client waits for from the frozen node, as it happens."""
    waits: list[str] = []
    probe, send = client._probe, OwnConnection.send

    def probed(node: ClusterNode) -> None:
        if node.port == frozen.node.port:
            waits.append("for a probe")
        probe(node)

    def sent(self: OwnConnection, commands: Sequence[Command], wait: Command | None) -> None:
        if self.raw.port == frozen.node.port:
            waits.append("for its reply")
        send(self, commands, wait)

    monkeypatch.setattr(client, "_probe", probed)
    monkeypatch.setattr(OwnConnection, "send", sent)
    return waits


def test_a_frozen_node_holds_up_the_others_for_a_moment_once(
    client: ThreadLocalCluster, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_client, "NODE_OPEN_S", 3600.0)
    client._breakers.clear()
    waits = waits_of(client, frozen, monkeypatch)
    for _ in range(10):
        assert frozen.only_its_own_fail(client.execute_all(echoes()))
    assert waits == ["for its reply", "for a probe"]


def test_control_without_leaving_it_alone_every_batch_waits_for_a_frozen_node(
    client: ThreadLocalCluster, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_client, "NODE_OPEN_S", 0.0)
    client._breakers.clear()
    waits = waits_of(client, frozen, monkeypatch)
    for _ in range(3):
        assert frozen.only_its_own_fail(client.execute_all(echoes()))
    assert waits == ["for its reply", *["for a probe"] * 3]


def test_a_node_that_responds_again_is_found_by_the_next_probe(
    client: ThreadLocalCluster, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_client, "NODE_OPEN_S", 0.2)
    client._breakers.clear()
    assert frozen.only_its_own_fail(client.execute_all(echoes()))
    frozen.node.resume()
    eventually(lambda: client.execute_all(echoes()) == expected(), "replies of all nodes")


def test_a_connection_that_was_killed_is_replaced_and_its_commands_sent_again(
    cluster: ValkeyCluster, client: ThreadLocalCluster
) -> None:
    assert client.execute_all(echoes()) == expected()
    ask(cluster.owner_of(KEYS[0]), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert client.execute_all(echoes()) == expected()


def test_the_new_primary_of_a_shard_is_followed_within_the_same_call(
    cluster: ValkeyCluster, client: ThreadLocalCluster
) -> None:
    assert client.execute_all(echoes()) == expected()
    replica = cluster.replica_of(cluster.owner_of(KEYS[0]))
    cluster.promote(replica)
    eventually(cluster.is_whole, "a primary that is a replica now")
    assert client.execute_all(echoes(2)) == expected(2)
    assert cluster.owner_of(KEYS[0]) is replica


def test_a_killed_primary_is_replaced_by_its_replica_for_a_client_that_stays(
    cluster: ValkeyCluster, client: ThreadLocalCluster
) -> None:
    killed = cluster.owner_of(KEYS[0])
    killed.kill()
    eventually(lambda: client.execute_all(echoes()) == expected(), "replies of all shards")
    assert cluster.owner_of(KEYS[0]) is not killed
    killed.start()


def test_a_slot_on_its_way_to_another_node_is_served_where_its_keys_are(
    cluster: ValkeyCluster, client: ThreadLocalCluster
) -> None:
    source, slot = cluster.owner_of(KEYS[0]), key_slot(KEYS[0].encode())
    target = next(o for key in KEYS if (o := cluster.owner_of(key)) is not source)
    source_id, target_id = (ask(node, "CLUSTER", "MYID") for node in (source, target))
    ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
    ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
    try:
        assert client.execute_all(echoes()) == expected()
        assert client.execute_command("SADD", KEYS[0], "x") == 1
        with pytest.raises(ResponseError, match=f"{slot} "):
            ask(source, "SMEMBERS", KEYS[0])
        assert client.execute_command("SADD", KEYS[0], "x") == 0  # it is there
    finally:
        for node in (source, target):
            ask(node, "CLUSTER", "SETSLOT", slot, "STABLE")


def test_a_seed_that_does_not_respond_is_passed_over(cluster: ValkeyCluster) -> None:
    settings = settings_of(cluster)
    url = f"redis://127.0.0.1:1,{cluster.nodes[-1].address}/0"
    with closing(connect(dataclasses.replace(settings, redis_url=url))) as client:
        assert isinstance(client, ThreadLocalCluster)
        assert client.execute_all(echoes()) == expected()
