"""Builds the clients that only the erasure of users needs, as wiring.py does the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.once import once

if TYPE_CHECKING:
    from handlers.adapters.mysql.erasures import Erasures
    from handlers.adapters.redis.erasures import RedisErasures


@once
def mysql_erasures() -> Erasures:
    """Return the erasure of users in MySQL."""
    from handlers.adapters.mysql.erasures import Erasures

    return Erasures(wiring.database(), wiring.pseudonyms())


@once
def redis_erasures() -> RedisErasures:
    """Return the erasure of users in Redis."""
    from handlers.adapters.redis.erasures import RedisErasures

    return RedisErasures(wiring.scripts())
