"""What Python's side plays: every state of every schedule, as text that JavaScript writes alike."""

from __future__ import annotations

import json
import zlib
from contextlib import closing
from typing import TYPE_CHECKING

from tests.lab.playground.schedule import schedule
from tests.lab.playground.seonchak_theatre import SeonchakTheatre
from tests.lab.playground.stage_theatre import StageTheatre
from tests.simulation.actors import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.lab.playground.seonchak_cluster import PlaygroundCluster
    from tests.lab.playground.theatre import Theatre

FIRST, LAST = 4, 9


def stage_of(seed: int) -> int:
    """Return the stage that a seed plays: each its turn."""
    return FIRST + seed % (LAST - FIRST + 1)


def states(theatre: Theatre, actions: Sequence[str]) -> Iterator[str]:
    """Yield the state after each action, as JSON.stringify writes it."""
    for action in actions:
        theatre.act(action)
        yield json.dumps(theatre.snapshot(), separators=(",", ":"), ensure_ascii=False)
    theatre.end()


def digests(cluster: PlaygroundCluster, seeds: Iterable[int]) -> dict[int, list[int]]:
    """Return a check sum of each state, by seed."""
    found = {}
    with closing(Stage(lambda: None)) as stage:
        for seed in seeds:
            number = stage_of(seed)
            theatre: Theatre = (
                SeonchakTheatre(cluster) if number == LAST else StageTheatre(number, stage)
            )
            played = states(theatre, schedule(seed))
            found[seed] = [zlib.crc32(state.encode()) for state in played]
    return found
