"""Lambda, warm: what one invocation costs, by its outcome."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import invocation_cost
from bench.harness import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial


class Together:
    """Outcomes that one round measures together; a repeated request starts a new round."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Use the servers of `environment`."""
        self._environment = environment
        self._metrics: dict[str, Metrics] = {}

    def measure(self) -> Mapping[str, Metrics]:
        """Return the metrics of all outcomes."""
        calls = invocation_cost.CALLS
        return invocation_cost.one_round(invocation_cost.HERE, calls, self._environment)

    def trial(self, outcome: str) -> Trial:
        """Return the trial that reads one outcome's metrics from the latest round."""

        def metrics() -> Metrics:
            if outcome not in self._metrics:
                self._metrics = dict(self.measure())
            return self._metrics.pop(outcome)

        return metrics


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:  # noqa: ARG001 - the rejection cache sets the number of calls
    """Call the handlers as Lambda does, on this case's servers."""
    shared = Together(invocation_cost.environment_of(cluster.environment))
    # The first round is not recorded; it returns the names of the outcomes.
    yield {outcome: shared.trial(outcome) for outcome in shared.measure()}


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
