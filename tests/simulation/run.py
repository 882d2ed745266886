"""Runs the machine under hypothesis, with settings of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Protocol

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

# The most rules in a history; a rule may be many steps.
RULES_MAX = 20
GENERATE = (Phase.generate,)
GENERATE_AND_SHRINK = (Phase.generate, Phase.shrink)


def play(
    cluster: Cluster,
    histories: int,
    *,
    seed: int | None = None,
    shrinks: bool = True,
    group_size: int = 1,
) -> None:
    """Play histories until one breaks a promise, which raises Violation.

    Without a seed these are always the same histories. group_size: users who apply in one batch.
    """
    members: dict[str, Any] = {"cluster": cluster, "group_size": group_size}
    machine = type("Protocol", (Protocol,), members)
    if seed is not None:
        machine = hypothesis.seed(seed)(machine)
    settings = hypothesis.settings(
        max_examples=histories,
        stateful_step_count=RULES_MAX,
        derandomize=seed is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=GENERATE_AND_SHRINK if shrinks else GENERATE,
    )
    run_state_machine_as_test(machine, settings=settings)
