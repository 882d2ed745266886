"""The common part of the negative controls of races."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings

ROUNDS_MAX = 50


def require_to_go_wrong(
    settings: Settings, campaign_id: str, race: Callable[[Any, str], bool]
) -> None:
    """Fail unless `race`, given a client of Redis and a key of its own, once returns True."""
    with closing(connect(settings)) as redis:
        rounds = (f"control:{campaign_id}:{attempt}" for attempt in range(ROUNDS_MAX))
        went_wrong = any(race(redis, key) for key in rounds)
    assert went_wrong, "the race never went wrong without its guard: it proves nothing"
