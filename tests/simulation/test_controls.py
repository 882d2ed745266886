"""The machine would notice: with one guard removed, it finds the broken promise.

The guards that only a rebuild in the middle of an apply needs are in test_overtaken.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation import mutants as without
from tests.simulation.cluster import Cluster
from tests.simulation.machine import Violation
from tests.simulation.run import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings

    TakeAway = Callable[[pytest.MonkeyPatch, Cluster], None]

# Several times what each needs; the histories are always the same.
HISTORIES_MAX = 600

pytestmark = pytest.mark.timeout(300)


def broken_promise(cluster: Cluster, group_size: int = 1) -> str:
    """Return the first line of the violation that is found."""
    with pytest.raises(Violation) as found:
        play(cluster, HISTORIES_MAX, shrinks=False, group_size=group_size)
    first = str(found.value).splitlines()[0]
    print(f"history {cluster.histories}: {first}")  # noqa: T201 - pytest shows it where it fails
    return first


@pytest.mark.parametrize(
    ("take_away", "signs"),
    [
        pytest.param(without.pending, ("MISSING_ROW", "P3"), id="pending record"),
        pytest.param(without.quantity, ("P1", "LAW"), id="quantity in the INSERT"),
        pytest.param(without.order, ("MISSING_ROW", "P3", "P5"), id="rows first"),
        pytest.param(without.settle, ("PENDING_STALE",), id="settle"),
        pytest.param(without.durable, ("P3", "P4"), id="accepted once it is safe"),
        pytest.param(without.rejection, ("P6",), id="refused row set aside"),
        pytest.param(without.place, ("LAW",), id="place of a coupon that ends"),
        pytest.param(without.mysql_before_redis, ("P1", "P3", "P4", "reconcile"), id="MySQL first"),
        pytest.param(without.release, ("P1",), id="release"),
        pytest.param(without.erasure_in_redis, ("PRIVACY",), id="erasure in Redis"),
    ],
)
def test_without_a_guard_a_promise_breaks(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, take_away: TakeAway, signs: tuple[str, ...]
) -> None:
    take_away(monkeypatch, cluster)
    found = broken_promise(cluster)
    assert any(sign in found for sign in signs), found


@pytest.mark.parametrize("take_away", [without.pending, without.durable])
def test_without_a_guard_a_promise_to_users_in_one_batch_breaks(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, take_away: TakeAway
) -> None:
    take_away(monkeypatch, cluster)
    found = broken_promise(cluster, group_size=3)
    assert any(sign in found for sign in ("MISSING_ROW", "P3", "P4")), found


def test_without_the_unique_keys_a_redelivery_makes_a_second_coupon(cluster: Cluster) -> None:
    with without.unique_keys(cluster):
        assert "P1" in broken_promise(cluster)


def test_without_epochs_an_old_copy_of_redis_assigns_serials_again(clean: Settings) -> None:
    with Cluster(clean, epoch=False) as cluster:
        found = broken_promise(cluster)
    assert found.startswith(("P3", "P4")), found
