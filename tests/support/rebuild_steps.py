"""What happens between two steps of a rebuild."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.rebuild import RedisRebuild

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def once_before(patch: pytest.MonkeyPatch, step: str, happens: Callable[[], object]) -> None:
    """Let something happen before the next call of a step of the rebuild."""
    real = getattr(RedisRebuild, step)

    def then_the_step(*args: Any, **options: Any) -> Any:
        patch.setattr(RedisRebuild, step, real)
        happens()
        return real(*args, **options)

    patch.setattr(RedisRebuild, step, then_the_step)
