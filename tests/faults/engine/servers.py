"""The servers of one cluster, each behind its link: killed, frozen, replaced, healed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Any, Literal, Self

import pymysql
import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from handlers.database_address import DatabaseAddress
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.servers import MariaDB, Server
from local.servers.ports import HOST, free_port
from tests.faults.engine.linked_kafka import LinkedApacheKafka, LinkedTansu
from tests.faults.engine.links import Link, Links
from tests.faults.engine.replication import OPTIONS, Replication
from tests.faults.engine.shards import Shards
from tests.faults.taps.cluster_tap import ClusterTap
from tests.faults.taps.redis_tap import RedisTap, TappedValkey

if TYPE_CHECKING:
    from local.servers.embedded import KafkaKind

RedisKind = Literal["single", "replicas", "cluster"]
# Short enough not to delay a history, long enough for a busy machine.
TIMEOUT_S = 2.0
SYNCED_S = 3.0
POLL_INTERVAL_S = 0.02


class Servers:
    """Valkey, Kafka and MariaDB with a link in front of each; as a context manager they run."""

    def __init__(self, kind: KafkaKind, redis_kind: RedisKind = "single") -> None:
        kafka_port = free_port()
        behind = LinkedApacheKafka if kind == "apache" else LinkedTansu
        options = OPTIONS if redis_kind == "replicas" else {}
        self.shards = Shards() if redis_kind == "cluster" else None
        self._redis_tap = RedisTap()
        nodes = (
            self.shards.nodes if self.shards else {"redis": TappedValkey(self._redis_tap, options)}
        )
        self.tap = ClusterTap(nodes.values()) if self.shards else self._redis_tap
        self.by_name: dict[str, Server] = {**nodes, "kafka": behind(kafka_port), "mysql": MariaDB()}
        redis_ports = self.shards.client_ports if self.shards else {"redis": free_port()}
        self._link_ports = {**redis_ports, "kafka": kafka_port, "mysql": free_port()}
        self.links: dict[str, Link] = {}
        self._replica: Server | None = None
        self._replicates = redis_kind == "replicas"
        self.replication: Replication | None = None
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with self._cleanup:
            self._cleanup.callback(self._remove)
            links = Links()
            self._cleanup.callback(links.close)
            for name, server in self.by_name.items():
                # Before the server: the readiness check uses the broker's advertised address.
                self.links[name] = links.add(self._link_ports[name], server.port)
                server.launch()
            for server in self.by_name.values():
                server.wait_until_ready()
            if self.shards:
                self.shards.start(links)
            if self._replicates:
                where = self.by_name["redis"], self.links["redis"]
                self.replication = Replication(links, *where, self._redis_tap)
                self.replication.start()
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    @property
    def settings(self) -> dict[str, str]:
        """The environment of programs that connect to the servers through the links."""
        mysql, ports = self.by_name["mysql"], self._link_ports
        nodes = ",".join(f"{HOST}:{port}" for name, port in ports.items() if "redis" in name)
        return {
            "REDIS_URL": f"redis://{nodes}/0",
            "REDIS_CLUSTER": "on" if self.shards else "off",
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{ports['kafka']}",
            "DATABASE_URL": mysql.url.replace(mysql.address, f"{HOST}:{ports['mysql']}"),
            **DEVELOPMENT_SETTINGS,
        }

    def where(self, name: str) -> str:
        """Return the name of the server that a fault of `name` strikes: a node, in a cluster."""
        return self.shards.owner() if self.shards and name == "redis" else name

    def kill(self, name: str) -> None:
        """End a server by SIGKILL; its port refuses connections."""
        self.by_name[name].kill()
        self.links[name].refuse()

    def start(self, name: str) -> None:
        """Start it on its existing data."""
        if name == "kafka":
            self.links[name].accept()  # first: the readiness check of a broker uses its link
        self.by_name[name].start()
        self.links[name].accept()  # last: a Redis is followed before a client reaches it
        self._revive_replica(name)

    def freeze(self, name: str) -> None:
        """Pause a server: connections stay open, and it does not respond."""
        server = self.by_name[name]
        if server.running:
            os.kill(server.pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Resume it."""
        server = self.by_name[name]
        if server.running:
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGCONT)
        self._revive_replica(name)

    def heal(self) -> None:
        """End every fault that may still be active."""
        self._drop_replica()
        for name, server in self.by_name.items():
            self.thaw(name)
            if not server.running:
                self.start(name)
            self.links[name].heal()
        if self.replication:
            self.replication.heal()
        if self.shards:
            self.shards.heal()
        with self.mysql(as_root=True) as connection, connection.cursor() as cursor:
            cursor.execute("SET GLOBAL read_only = 0")

    def copy_redis(self, name: str) -> None:
        """Copy what a Redis has on its disk now."""
        shutil.rmtree(self._copy(), ignore_errors=True)
        data = self.by_name[name].home / "appendonlydir"
        data.mkdir(exist_ok=True)  # it may be down, and have lost its data
        with suppress(shutil.Error):  # a file of the last rewrite may disappear meanwhile
            shutil.copytree(data, self._copy())

    def restore_redis(self, name: str) -> None:
        """Restart it with that copy."""
        self.kill(name)
        data = self.by_name[name].home / "appendonlydir"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self._copy(), data)
        self.start(name)

    def follow_redis(self) -> bool:
        """Start a replica, let it catch up, then stop it from following."""
        primary = self.by_name["redis"]
        with self.redis() as client, suppress(RedisError):
            client.config_set("repl-diskless-sync-delay", 0)
        self._drop_replica()
        replica = self._replica = TappedValkey(self._redis_tap)
        replica.start()
        deadline = time.monotonic() + SYNCED_S
        with closing(redis.Redis(host=HOST, port=replica.port, socket_timeout=TIMEOUT_S)) as client:
            client.replicaof(HOST, str(primary.port))
            while time.monotonic() < deadline:
                with suppress(RedisError):
                    if client.info("replication").get("master_link_status") == "up":
                        client.replicaof("NO", "ONE")
                        return True
                time.sleep(POLL_INTERVAL_S)
        self._drop_replica()
        return False

    def promote_replica(self) -> None:
        """Lose the primary; clients find the replica at its address."""
        if self._replica is None:
            return
        primary, self.by_name["redis"] = self.by_name["redis"], self._replica
        self._replica = None
        primary.kill()
        self._redis_tap.promoted(self.by_name["redis"])
        self.links["redis"].retarget(self.by_name["redis"].port)
        primary.remove()

    def _revive_replica(self, name: str) -> None:
        if name == "redis" and self.replication:
            with suppress(RedisError):  # what it follows may be down
                self.replication.revive()

    def fail_over(self, move: str) -> bool:
        """Promote the replica without what the primary has written since it lags; see `promote`."""
        if self.replication is None:
            return False
        with suppress(RedisError):
            self.by_name["redis"] = self.replication.promote(move)
            return True
        return False

    def redis(self, timeout_s: float = TIMEOUT_S, key: str = "") -> Any:
        """Return a client that bypasses the link; in a cluster of the node that has `key`."""
        return self._client(self.shards.owner(key) if self.shards else "redis", timeout_s)

    def primaries(self) -> list[Any]:
        """Return a client of each server that has keys."""
        names = self.shards.primaries() if self.shards else ["redis"]
        return [self._client(name) for name in names]

    def _client(self, name: str, timeout_s: float = TIMEOUT_S) -> Any:
        server = self.by_name[name]
        return closing(
            redis.Redis(
                host=HOST,
                port=server.port,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                # A frozen server must not hold up the other faults of a history.
                retry=Retry(NoBackoff(), 0),
            )
        )

    def mysql(self, timeout_s: float = TIMEOUT_S, *, as_root: bool = False) -> Any:
        """Return a connection that bypasses the link."""
        address = DatabaseAddress.from_url((server := self.by_name["mysql"]).url)
        where: dict[str, Any] = {"host": HOST, "port": server.port, "user": address.user}
        if as_root:
            where = {"unix_socket": str(server.home / "sock"), "user": "root"}
        return closing(
            pymysql.connect(
                **where,
                password=address.password.encode(),
                database=address.database,
                autocommit=True,
                ssl_disabled=True,  # otherwise each connection would read the system's certificates
                connect_timeout=max(1, round(timeout_s)),
                read_timeout=timeout_s,
            )
        )

    def _copy(self) -> Any:
        return self.by_name["mysql"].home / "redis-copy"

    def _drop_replica(self) -> None:
        if self._replica:
            self._replica.remove()
            self._replica = None

    def _remove(self) -> None:
        self._drop_replica()
        self.tap.close()
        if self.replication:
            self.replication.remove()
            self.replication = None
        for name, server in self.by_name.items():
            self.thaw(name)
            server.remove()
