"""The protocol keeps its promises in every history that is played here, always the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.run import play

if TYPE_CHECKING:
    from tests.simulation.world import World

HISTORIES = 60


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_order_of_steps_and_faults_breaks_a_promise(world: World) -> None:
    play(world, HISTORIES)
