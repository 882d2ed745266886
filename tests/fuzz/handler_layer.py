"""Events straight into the handlers, on real servers: what API Gateway and Chalice could bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from handlers.routes import ROUTES
from tests.fuzz.verdict import faults_of
from tests.support.http_events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from handlers.routes import Route
    from tests.fuzz.tally import Tally

LAYER = "handlers"
# Hypothesis keeps a tree of what it has tried: batches keep it small, and show progress.
BATCH = 250


def judge(route: Route, event: dict[str, Any], secrets: Iterable[str]) -> tuple[int, list[str]]:
    """Call the handler; return the status and what is wrong with the answer."""
    answer = route.handler(event, None)
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    faults = faults_of(answer["statusCode"], headers, answer["body"].encode(), secrets, repr(event))
    return answer["statusCode"], faults


def run(requests: int, first_seed: int, secrets: set[str], tally: Tally) -> Iterable[int]:
    """Ask every route in turn, a batch each; yield the number of requests after each batch."""
    done = 0
    while done < requests:
        for number, route in enumerate(ROUTES):
            batch = min(BATCH, requests - done)
            if batch < 1:
                return
            examples(batch, f"{first_seed}-{done}-{number}", _asking(route, secrets, tally))
            done += batch
            yield done


def examples(number: int, seed_text: str, ask: Callable[[dict[str, Any]], None]) -> None:
    """Call `ask` with that many events, which the seed alone decides."""
    # Nothing is read from a database of earlier failures, and nothing shrunk: each event counts.
    profile = settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(seed_text)(profile(given(EVENTS)(ask)))()


def _asking(route: Route, secrets: set[str], tally: Tally) -> Callable[[dict[str, Any]], None]:
    def ask(event: dict[str, Any]) -> None:
        tally.requested(LAYER)
        try:
            status, faults = judge(route, event, secrets)
        except Exception as error:  # noqa: BLE001 - an answer was promised for whatever comes
            status, faults = 0, [f"the handler raised {type(error).__name__}"]
        tally.answered(LAYER, status)
        tally.blame(LAYER, f"{route.method} {route.path} {event!r}", faults)

    return ask
