"""Worlds for the tests of the campaign."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def world_without() -> Iterator[Callable[..., World]]:
    """Makes worlds in which a guard of the service is taken away."""
    entered: list[World] = []

    def make(guard: str = "", **settings: str) -> World:
        world = World("tansu", Event(), guard, settings).__enter__()
        entered.append(world)
        return world

    yield make
    for world in entered:
        world.__exit__(None, None, None)
