"""Options that an operator sets: in the server that runs, and in its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.servers import Valkey
from local.servers.valkey_group import ask

if TYPE_CHECKING:
    from local.servers import Server


def configure(server: Server, option: str, value: object) -> None:
    """Set an option; it holds after a restart of the server as well."""
    assert isinstance(server, Valkey)
    server.options[option] = str(value)  # first: a server that does not respond restarts with it
    ask(server, "CONFIG", "SET", option, value)
