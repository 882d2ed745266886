"""The machine would notice: with one guard taken away it finds the broken promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import mutants as without
from tests.simulation.machine import Violation
from tests.simulation.run import play
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings

    TakeAway = Callable[[pytest.MonkeyPatch, World], None]

# Several times what each needs; the histories are always the same.
HISTORIES_MAX = 300

pytestmark = pytest.mark.timeout(300)


def broken_promise(world: World, together: int = 1) -> str:
    """Return the first line of the violation that is found."""
    with pytest.raises(Violation) as found:
        play(world, HISTORIES_MAX, shrinks=False, together=together)
    first = str(found.value).splitlines()[0]
    print(f"history {world.histories}: {first}")  # noqa: T201 - pytest shows it where it fails
    return first


@pytest.mark.parametrize(
    ("take_away", "signs"),
    [
        pytest.param(without.pending, ("MISSING_ROW", "P3"), id="pending record"),
        pytest.param(without.quantity, ("P1",), id="quantity in the INSERT"),
        pytest.param(without.order, ("MISSING_ROW", "P3", "P5"), id="rows first"),
        pytest.param(without.settle, ("PENDING_STALE",), id="settle"),
        pytest.param(without.wait, ("P3", "P4"), id="wait of a rebuild"),
        pytest.param(without.durable, ("P3", "P4"), id="accepted once it is safe"),
        pytest.param(without.refusal, ("P6",), id="refused row set aside"),
    ],
)
def test_without_a_guard_a_promise_breaks(
    world: World, monkeypatch: pytest.MonkeyPatch, take_away: TakeAway, signs: tuple[str, ...]
) -> None:
    take_away(monkeypatch, world)
    found = broken_promise(world)
    assert any(sign in found for sign in signs), found


@pytest.mark.parametrize("take_away", [without.pending, without.durable])
def test_without_a_guard_a_promise_to_those_who_apply_together_breaks(
    world: World, monkeypatch: pytest.MonkeyPatch, take_away: TakeAway
) -> None:
    take_away(monkeypatch, world)
    found = broken_promise(world, together=3)
    assert any(sign in found for sign in ("MISSING_ROW", "P3", "P4")), found


def test_without_the_unique_keys_a_redelivery_is_a_second_coupon(world: World) -> None:
    with without.unique_keys(world):
        assert "P1" in broken_promise(world)


def test_without_epochs_an_old_copy_of_redis_gives_the_same_serials_again(clean: Settings) -> None:
    with World(clean, epoch=False) as world:
        found = broken_promise(world)
    assert found.startswith(("P3", "P4")), found
