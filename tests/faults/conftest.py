"""Worlds for the tests of the campaign."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Servers and programs of the module's own."""
    with World("tansu", Event()) as running:
        yield running


@pytest.fixture
def world_without(world: World) -> Callable[..., World]:
    """Runs the programs without a guard of the service."""

    def take_away(guard: str = "", **settings: str) -> World:
        world.take_away(guard, **settings)
        return world

    return take_away
