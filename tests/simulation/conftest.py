"""The world of the simulation, on the session's servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


@pytest.fixture
def world(clean: Settings) -> Iterator[World]:
    wiring.reset()
    with World(clean) as made:
        yield made
