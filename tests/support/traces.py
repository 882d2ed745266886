"""Where the service's stores have a text: every column, every key and member, every line."""

from __future__ import annotations

import io
import json
import logging
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from handlers import log
from handlers.adapters.redis.client import connect
from tests.support.service import ADMIN, ask, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

READ: dict[bytes, tuple[Any, ...]] = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
}


def in_mysql(settings: Settings, text: str) -> list[str]:
    """Return table.column of every value that contains the text, also among bytes."""
    columns = rows(
        settings,
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE()",
    )
    assert len(columns) > 40
    return sorted(
        f"{table}.{column}"
        for table, column in columns
        if rows(
            settings,
            f"SELECT 1 FROM `{table}` WHERE LOCATE(%s, CAST(`{column}` AS BINARY)) LIMIT 1",
            text.encode(),
        )
    )


def in_redis(settings: Settings, text: str) -> list[str]:
    """Return the last part of every key whose name or value contains the text."""
    with closing(connect(settings)) as client:
        return sorted(
            key.decode().rpartition(":")[2]
            for key in client.scan_iter("*", count=1000)
            if text.encode() in key + repr(_value(client, key)).encode()
        )


def _value(client: Any, key: bytes) -> Any:
    command, *args = READ[client.type(key)]
    return client.execute_command(command, key, *args)


def in_exports(text: str, *campaign_ids: str) -> list[str]:
    """Return the ways to read winners and failed events that show the text to an administrator."""
    found = []
    for campaign_id in campaign_ids:
        for accept in ("application/json", "text/csv"):
            reply = ask(
                "GET /campaigns/{id}/coupons",
                campaign_id,
                user="admin",
                scope=ADMIN,
                headers={"Accept": accept},
            )
            assert reply.status == 200
            found += [accept] if text in str(reply.body) else []
    failed = ask("GET /failed-events", user="admin", scope=ADMIN)
    return sorted({*found, *(["failed-events"] if text in json.dumps(failed.body) else [])})


@contextmanager
def log_text() -> Iterator[io.StringIO]:
    """Collect what the service logs."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(log.JsonFormatter())
    log.LOGGER.addHandler(handler)
    log.LOGGER.setLevel(logging.INFO)
    try:
        yield text
    finally:
        log.LOGGER.removeHandler(handler)
