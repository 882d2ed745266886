"""A MySQL of a test's own, with limits that the session's does not have."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.migration.schema import migrate_schema
from handlers.database_address import DatabaseAddress
from tests.support.state import retry_deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from local.servers import MariaDB


def migrated(server: MariaDB) -> DatabaseAddress:
    address = DatabaseAddress.from_url(server.url)
    migrate_schema(address, retry_deadline(), lenient=True)
    return address


@contextmanager
def on_database(settings: Settings, address: DatabaseAddress) -> Iterator[Settings]:
    """The handlers of this process on another MySQL."""
    there = replace(settings, database_address=address)
    wiring.reset()
    with wiring.override(wiring.settings, there):
        yield there
    wiring.reset()
