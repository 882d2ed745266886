"""Runs the machine under hypothesis, with settings of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Protocol

if TYPE_CHECKING:
    from tests.simulation.world import World

# A history has as many rules as this at most; a rule may be many steps.
RULES_MAX = 60


def play(world: World, histories: int, **options: Any) -> None:
    """Play histories until one breaks a promise: Violation, shrunk unless the options say so."""
    machine = type("Protocol", (Protocol,), {"world": world})
    chosen: dict[str, Any] = {
        "max_examples": histories,
        "stateful_step_count": RULES_MAX,
        "derandomize": True,
        "database": None,
        "deadline": None,
        "print_blob": True,
        "suppress_health_check": list(HealthCheck),
        "phases": (Phase.generate, Phase.shrink),
        "verbosity": Verbosity.normal,
    }
    run_state_machine_as_test(machine, settings=settings(**chosen | options))
