"""Lambda, warm: what one invocation costs, by its outcome."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import invocation_cost
from bench.harness import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Figures, Scale, Trial


class Together:
    """Outcomes that only come about together: measured anew when one is asked for again."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Use the servers of `environment`."""
        self._environment = environment
        self._figures: dict[str, Figures] = {}

    def measure(self) -> Mapping[str, Figures]:
        """Return the figures of all outcomes."""
        calls = invocation_cost.CALLS
        return invocation_cost.one_round(invocation_cost.HERE, calls, self._environment)

    def trial(self, outcome: str) -> Trial:
        """Return what gives one outcome's figures of the latest round."""

        def figures() -> Figures:
            if outcome not in self._figures:
                self._figures = dict(self.measure())
            return self._figures.pop(outcome)

        return figures


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:  # noqa: ARG001 - as many calls as the memory of refusals asks for
    """Call the handlers as Lambda does, on this case's servers."""
    together = Together(invocation_cost.environment_of(cluster.environment))
    # The first round counts for nothing; it tells which outcomes there are.
    yield {outcome: together.trial(outcome) for outcome in together.measure()}


CASE = Case(
    "lambda-invocations",
    "Lambda, warm: one invocation by outcome",
    "cpu_us",
    "",
    (),
    variants,
    warm_up=False,
    beside=("clock_us",),
)
