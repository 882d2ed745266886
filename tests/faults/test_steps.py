"""Steps of a history wait for the points that programs reach, and release those that pause."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local.servers import ServerError
from tests.faults.engine import steps
from tests.faults.engine.steps import Steps
from tests.faults.points import Points, held
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

POINT = "gateway.admitted"
HELD_S = "30"


class Pauses:
    """Programs that reach one point."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.folder = folder / "points"
        self.folder.mkdir()
        held(self.folder).mkdir()
        self._points = Points("gateway", self.folder)
        self._pool = pool
        cluster: Any = SimpleNamespace(points=self.folder, pause=time.sleep)
        self.steps = Steps(cluster, "welcome")

    def begin(self) -> Future[None]:
        """Let a program pause at the point; return what ends with the pause."""
        count = self.count()
        (self.folder / POINT).write_text(HELD_S)
        paused = self._pool.submit(self._points.reached, "admitted")
        self.steps.await_point(POINT)
        eventually(lambda: self.count() == count + 1, "a pause")
        return paused

    def count(self) -> int:
        return len(list(held(self.folder).iterdir()))

    def end(self) -> None:
        for pause in held(self.folder).iterdir():
            pause.unlink(missing_ok=True)


@pytest.fixture
def pauses(tmp_path: Path) -> Iterator[Pauses]:
    with ThreadPoolExecutor() as pool:
        made = Pauses(tmp_path, pool)
        yield made
        made.end()


def test_a_release_ends_the_pause_that_began_first(pauses: Pauses) -> None:
    first, second = pauses.begin(), pauses.begin()
    pauses.steps.release(POINT)
    first.result(float(HELD_S) / 2)
    assert not second.done()


def test_a_step_whose_point_is_never_reached_says_so(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEP_S_MAX", 0.05)
    (pauses.folder / POINT).write_text(HELD_S)
    with pytest.raises(ServerError, match=POINT):
        pauses.steps.await_point(POINT)


def test_without_a_pause_nothing_can_be_released(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEP_S_MAX", 0.05)
    with pytest.raises(ServerError, match=POINT):
        pauses.steps.release(POINT)
