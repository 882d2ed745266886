"""The cluster of the simulation, on the session's servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from tests.simulation.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


@pytest.fixture
def cluster(clean: Settings) -> Iterator[Cluster]:
    wiring.reset()
    with Cluster(clean) as made:
        yield made


@pytest.fixture
def judged_cluster(clean: Settings) -> Iterator[Cluster]:
    """A cluster whose histories are replayed through the model's actions, too."""
    wiring.reset()
    with Cluster(clean, judged=True) as made:
        yield made
