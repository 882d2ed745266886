"""Valkey, Kafka and MariaDB without Docker, as a context manager."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from handlers.config import ConfigurationError
from local.dev_settings import DEVELOPMENT_SETTINGS, RATE_PER_ADDRESS
from local.servers import ApacheKafka, MariaDB, Tansu, Valkey, ValkeyCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.retry import Report

KafkaKind = Literal["tansu", "apache"]
RedisKind = Literal["single", "cluster"]
# auto: the servers that the environment names; if it names none, embedded servers.
Servers = Literal["auto", "env", "embedded"]
SERVER_VARIABLES = ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Ports:
    """Fixed ports; None means a free one."""

    redis: int | None = None
    kafka: int | None = None
    mysql: int | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """Three running servers; each can be stopped, killed and started again on its data."""

    valkey: Valkey | ValkeyCluster
    kafka: Tansu | ApacheKafka
    mariadb: MariaDB

    @property
    def settings(self) -> dict[str, str]:
        """The environment of programs that use these servers: a complete set of settings."""
        return {
            "REDIS_URL": self.valkey.url,
            "REDIS_CLUSTER": "on" if isinstance(self.valkey, ValkeyCluster) else "off",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.url,
            "DATABASE_URL": self.mariadb.service_url,
            "MIGRATION_DATABASE_URL": self.mariadb.migration_url,
            **DEVELOPMENT_SETTINGS,
        }

    def check(self) -> None:
        """Raise ServerError, with the end of its log, when a server has ended by itself."""
        for server in (self.valkey, self.kafka, self.mariadb):
            server.check()


def _silent(_: str) -> None:
    """Report nothing."""


@contextmanager
def running_stack(
    kafka: KafkaKind = "tansu",
    ports: Ports | None = None,
    report: Report = _silent,
    redis: RedisKind = "single",
) -> Iterator[Stack]:
    """Run the three servers inside the block; raise ServerError when one does not start."""
    ports = ports or Ports()
    broker = ApacheKafka(ports.kafka) if kafka == "apache" else Tansu(ports.kafka)
    valkey = ValkeyCluster() if redis == "cluster" else Valkey(ports.redis)
    stack = Stack(valkey, broker, MariaDB(ports.mysql))
    with ExitStack() as cleanup:
        # Launch all before the first wait, so that the slow ones start in parallel.
        for server in (stack.valkey, stack.kafka, stack.mariadb):
            report(f"starting {server.name} on {server.address} …")
            cleanup.callback(server.remove)
            server.launch()
        for server in (stack.valkey, stack.kafka, stack.mariadb):
            server.wait_until_ready()
        yield stack


@contextmanager
def environment_or_embedded(
    servers: Servers = "auto",
    kafka: KafkaKind = "tansu",
    report: Report = _silent,
    redis: RedisKind = "single",
) -> Iterator[dict[str, str]]:
    """Yield a complete environment for programs that need the servers. It migrates nothing.

    Raises the errors of `chosen_servers`.
    """
    with chosen_servers(servers, kafka, report, redis) as (environment, _):
        yield environment


@contextmanager
def chosen_servers(
    servers: Servers = "auto",
    kafka: KafkaKind = "tansu",
    report: Report = _silent,
    redis: RedisKind = "single",
) -> Iterator[tuple[dict[str, str], Stack | None]]:
    """Yield that environment, and the servers where they were started here, else None.

    Raises ConfigurationError with the missing variables when only some servers are named, or
    none with "env"; ServerError when an embedded server does not start.
    """
    if servers != "embedded" and _names_servers(required=servers == "env"):
        yield _development_defaults() | os.environ, None
        return
    with running_stack(kafka, report=report, redis=redis) as stack:
        # The caller can override only this limit, to see it at work.
        limit = {RATE_PER_ADDRESS: os.environ.get(RATE_PER_ADDRESS, "")}
        overrides = {name: value for name, value in limit.items() if value}
        yield {**os.environ, **stack.settings, **overrides}, stack


def _names_servers(*, required: bool) -> bool:
    """Return whether the environment names all servers (True) or none (False)."""
    missing = [name for name in SERVER_VARIABLES if not os.environ.get(name, "").strip()]
    if os.environ.get("DATABASE_SECRET_ID") and "DATABASE_URL" in missing:
        missing.remove("DATABASE_URL")
    if missing and (required or len(missing) < len(SERVER_VARIABLES)):
        message = f"{', '.join(missing)} not set: name all of {', '.join(SERVER_VARIABLES)}"
        message += "" if required else ", or none of them to have embedded servers"
        raise ConfigurationError(message)
    return not missing


def _development_defaults() -> dict[str, str]:
    """Return the optional settings: development secrets, if the stage accepts them."""
    if os.environ.get("STAGE", "local") != "local":
        return {}
    defaults = dict(DEVELOPMENT_SETTINGS)
    if os.environ.get("AUTH_JWKS_URL"):
        del defaults["AUTH_JWT_SECRET"]
    return defaults
