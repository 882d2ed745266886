"""A value in a statement comes back from the server unchanged."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.mysql.database import Database

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.config import Settings

ASCII = "".join(map(chr, range(128)))
TEXTS = [
    ASCII,
    ASCII[::-1],
    "쿠폰 🎟 é",
    "\\'; DROP TABLE coupon; -- \\",
    "\\\\''\"\"\0\0\n\r\x1a%s%%",
    json.dumps([["welcome", ASCII, 1]]),
]


@pytest.mark.parametrize("modes", ["@@sql_mode", "CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"])
def test_every_character_survives_a_literal(settings: Settings, modes: str) -> None:
    address = settings.database_address
    assert address

    def work(cursor: Cursor) -> list[object]:
        cursor.execute(f"SET SESSION sql_mode = {modes}")
        cursor.execute("SELECT " + ", ".join(["%s"] * len(TEXTS)), TEXTS)
        [texts] = cursor.fetchall()
        return list(texts)

    with closing(Database(lambda: address)) as database:
        assert database.run(work) == TEXTS
