"""The model rejects a simulated history without a guard; test_protocol.py shows that it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis.errors import FlakyFailure

from tests.simulation import mutants as without
from tests.simulation.machine import Protocol, Violation
from tests.simulation.run import play
from tests.simulation.test_overtaken import late_record, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.cluster import Cluster

    TakeAway = Callable[[pytest.MonkeyPatch, Cluster], None]

# Several times what each control needs; the histories are always the same.
HISTORIES_MAX = 300

pytestmark = pytest.mark.timeout(300)


def rejected(cluster: Cluster, seed: int | None = None) -> list[str]:
    """Return what the first history that is not accepted breaks."""
    with pytest.raises((Violation, FlakyFailure)) as found:
        play(cluster, HISTORIES_MAX, seed=seed, shrinks=False)
    # Hypothesis plays it once more; real clocks may let it pass then.
    broken: Exception = found.value
    if isinstance(broken, FlakyFailure):
        broken = broken.exceptions[0]
        assert isinstance(broken, Violation)
    return str(broken).split("\n\n")[0].splitlines()


@pytest.mark.parametrize(
    ("take_away", "sign"),
    [
        pytest.param(without.pending, "pending is", id="pending record"),
        pytest.param(without.confirmation, "CONFIRMED", id="confirmation after the ack"),
    ],
)
def test_without_a_guard_the_model_alone_rejects_a_history(
    judged_cluster: Cluster, monkeypatch: pytest.MonkeyPatch, take_away: TakeAway, sign: str
) -> None:
    take_away(monkeypatch, judged_cluster)
    [broken] = rejected(judged_cluster)
    assert broken.startswith("MODEL")
    assert sign in broken


# Seed 1: in its first history that breaks, no other promise breaks before the model's.
@pytest.mark.parametrize(
    ("take_away", "signs"),
    [
        pytest.param(without.order, ("HAS_INDEX", "unite"), id="rows first"),
        pytest.param(without.settle, ("pending_for_good",), id="settle"),
        pytest.param(without.durable, ("HAS_INDEX", "CONFIRMED"), id="accepted once it is safe"),
    ],
)
def test_without_a_guard_the_model_names_the_first_step_that_it_does_not_allow(
    judged_cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    take_away: TakeAway,
    signs: tuple[str, ...],
) -> None:
    take_away(monkeypatch, judged_cluster)
    named = [each for each in rejected(judged_cluster, 1) if each.startswith("MODEL")]
    assert any(sign in each for each in named for sign in signs), named


@pytest.mark.parametrize(
    ("history", "take_away", "signs"),
    [
        pytest.param(row, without.fence, ("MAY_WRITE",), id="fence of a row"),
        pytest.param(
            late_record,
            without.lateness,
            ("MAY_WRITE", "durable_admissions_collide"),
            id="late records",
        ),
    ],
)
def test_without_a_guard_of_one_order_of_steps_the_model_names_the_row(
    judged_cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    history: Callable[[Protocol], None],
    take_away: TakeAway,
    signs: tuple[str, ...],
) -> None:
    take_away(monkeypatch, judged_cluster)
    machine: Protocol = type("Protocol", (Protocol,), {"cluster": judged_cluster})()
    judged_cluster.begin([1])
    machine.started = machine.graceful = True
    history(machine)
    with pytest.raises(Violation) as found:
        machine.teardown()
    broken = str(found.value).split("\n\n", maxsplit=1)[0]
    assert "MODEL" in broken
    assert any(sign in broken for sign in signs), broken
