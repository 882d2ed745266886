"""REDIS_URL: one server, several nodes of a cluster, or the sentinels that know the primary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode

from handlers.env_parser import PORTS, ConfigurationError

REDIS_PORT = 6379
SENTINEL_PORT = 26379
SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]@]+)(?::([0-9]{1,5}))?")
# Options of our own; redis-py gets the others.
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """The parts of `REDIS_URL`.

    url: of the first server alone, in redis-py's form: user, password, database and options.
    servers: host and port of each; empty for a Unix socket.
    service: the name of the primary for Sentinel; empty without Sentinel.
    sentinel_user, sentinel_password: for the sentinels themselves.
    """

    url: str = field(repr=False)
    servers: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_user: str = ""
    sentinel_password: str = field(repr=False, default="")

    @property
    def where(self) -> str:
        """The servers without user and password, for a message."""
        return (
            ",".join(f"{host}:{port}" for host, port in self.servers)
            or (self.url.rpartition("@")[2])
        )

    @classmethod
    def parse(cls, text: str, *, is_cluster: bool = False) -> RedisUrl:
        """Raise ConfigurationError naming what is wrong, without quoting: it may be a password."""
        scheme, _, rest = text.partition("://")
        if not rest or scheme not in SCHEMES:
            _refuse("must begin with " + " or ".join(f"{scheme}://" for scheme in SCHEMES))
        if is_cluster and scheme not in {"redis", "rediss"}:
            _refuse("must begin with redis:// or rediss:// when REDIS_CLUSTER is on")
        if scheme == "unix":
            return cls(text)
        secure, _, sentinel = scheme.partition("+")
        rest, _, query = rest.partition("?")
        place, _, path = rest.partition("/")
        credentials, at, listed = place.rpartition("@")
        servers = _servers(listed, SENTINEL_PORT if sentinel else REDIS_PORT)
        service, database = "", path
        if sentinel:
            service, _, database = path.partition("/")
            if not service:
                _refuse("must end with /SERVICE, the name that the sentinels know")
        elif len(servers) > 1 and not is_cluster:
            _refuse("names several servers, which needs REDIS_CLUSTER=on or redis+sentinel://")
        _check_database(database, is_cluster=is_cluster)
        options = dict(parse_qsl(query, keep_blank_values=True))
        user, password = (options.pop(name, "") for name in SENTINEL_OPTIONS)
        host, port = servers[0]
        url = f"{secure}://{credentials}{at}{host}:{port}/{database}"
        url += f"?{urlencode(options)}" if options else ""
        bare = tuple((host.strip("[]"), port) for host, port in servers)
        return cls(url, bare, service, user, password)


def _servers(listed: str, default_port: int) -> list[tuple[str, int]]:
    """Return each of `host:port,host:port`."""
    servers = []
    parts = listed.split(",")
    for number, part in enumerate(parts, 1):
        found = SERVER.fullmatch(part.strip())
        if not found or int(found[2] or default_port) not in PORTS:
            which = f"server {number} of {len(parts)}" if len(parts) > 1 else "its server"
            _refuse(f"is malformed: {which} must be host:port; a password's {ESCAPED}")
        servers.append((found[1], int(found[2] or default_port)))
    return servers


ESCAPED = "/ ? # [ ] @ must be escaped"


def _check_database(text: str, *, is_cluster: bool) -> None:
    if text and not text.isdecimal():
        _refuse("is malformed: after the servers it has /DATABASE, a whole number")
    if is_cluster and text.strip("0"):
        _refuse("names a database other than 0, which a cluster does not have")


def _refuse(what: str) -> NoReturn:
    message = f"REDIS_URL {what}"
    raise ConfigurationError(message)
