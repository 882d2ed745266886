"""The machine would notice: with one guard taken away it finds the broken promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import without
from tests.simulation.machine import Violation
from tests.simulation.run import play
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings

# Several times what each needs; the histories are always the same.
HISTORIES_MAX = 400
HARMLESS = ("poison", "refuse", "redrive")

pytestmark = pytest.mark.timeout(300)


def broken_promise(world: World, leave_out: Sequence[str] = HARMLESS) -> str:
    """Return the first line of the violation that is found."""
    with pytest.raises(Violation) as found:
        play(world, HISTORIES_MAX, shrinks=False, leave_out=leave_out)
    return str(found.value).splitlines()[0]


def test_without_the_pending_record_an_admission_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without.pending(monkeypatch, world)
    found = broken_promise(world)
    assert "MISSING_ROW" in found or found.startswith("P3"), found


def test_without_the_quantity_in_the_insert_a_forged_record_is_one_too_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without.quantity(monkeypatch, world)
    assert "P1" in broken_promise(world, leave_out=["refuse"])


def test_without_the_unique_keys_a_redelivery_is_a_second_coupon(world: World) -> None:
    with without.unique_keys(world):
        assert "P1" in broken_promise(world)


def test_without_settle_nothing_ever_comes_to_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without.settle(monkeypatch, world)
    assert "PENDING_STALE" in broken_promise(world)


def test_without_epochs_an_old_copy_of_redis_gives_the_same_serials_again(clean: Settings) -> None:
    with World(clean, epoch=False) as world:
        found = broken_promise(world, leave_out=[])
    assert found.startswith(("P3", "P4")), found
