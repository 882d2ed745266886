"""Events to the handlers directly, on real servers: what API Gateway and Chalice could send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from handlers.routes import ROUTES
from tests.fuzz.invariants import faults_of
from tests.support.http_events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import SearchStrategy

    from handlers.routes import Route
    from tests.fuzz.tally import Tally

LAYER = "handlers"
# Hypothesis keeps a tree of its examples: batches keep it small, and show progress.
BATCH = 250


def check(route: Route, event: dict[str, Any], secrets: Iterable[str]) -> tuple[int, list[str]]:
    """Call the handler; return the status and the faults of the response."""
    response = route.handler(event, None)
    headers = {name.lower(): value for name, value in response["headers"].items()}
    status, body = response["statusCode"], response["body"].encode()
    return status, faults_of(status, headers, body, secrets, repr(event))


def run(requests: int, first_seed: int, secrets: set[str], tally: Tally) -> Iterable[int]:
    """Call every route in turn, a batch each; yield the number of requests after each batch."""
    done = 0
    while done < requests:
        for number, route in enumerate(ROUTES):
            batch = min(BATCH, requests - done)
            if batch < 1:
                return
            examples(batch, f"{first_seed}-{done}-{number}", _calling(route, secrets, tally))
            done += batch
            yield done


def examples(
    number: int,
    seed_text: str,
    call: Callable[[Any], None],
    inputs: SearchStrategy[Any] = EVENTS,
) -> None:
    """Call `call` with that many inputs; the seed alone determines them."""
    # No database of earlier failures is read, and nothing is shrunk: each event counts.
    profile = settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(seed_text)(profile(given(inputs)(call)))()


def _calling(route: Route, secrets: set[str], tally: Tally) -> Callable[[dict[str, Any]], None]:
    def call(event: dict[str, Any]) -> None:
        tally.requested(LAYER)
        try:
            status, faults = check(route, event, secrets)
        except Exception as error:  # noqa: BLE001 - every event must get a response
            status, faults = 0, [f"the handler raised {type(error).__name__}"]
        tally.responded(LAYER, status)
        tally.blame(LAYER, f"{route.method} {route.path} {event!r}", faults)

    return call
