"""handlers/cold_start.py: what a function does before its first event."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.cold_start import API, CONSUMER, preload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


class FakeAuthenticator:
    """Counts how often the issuer's keys are asked for ahead of a token."""

    def __init__(self) -> None:
        self.warmed_up = 0

    def warm_up(self) -> None:
        self.warmed_up += 1


@pytest.fixture
def authenticator(service_settings: Settings) -> Iterator[FakeAuthenticator]:
    fake = FakeAuthenticator()
    with ExitStack() as overrides:
        overrides.enter_context(wiring.override(wiring.settings, service_settings))
        overrides.enter_context(wiring.override(wiring.authenticator, fake))
        for client in (
            wiring.rejection_cache,
            wiring.publisher,
            wiring.ledger,
            wiring.admissions,
        ):
            overrides.enter_context(wiring.override(client, object()))
        yield fake
    wiring.reset()


@pytest.mark.parametrize(
    ("handler", "kind", "expected"),
    [
        (API, "on-demand", 1),
        # Made ahead of time: its clock and its network are not those of the first event.
        (API, "provisioned-concurrency", 0),
        (API, "snap-start", 0),
        (CONSUMER, "on-demand", 0),
        ("app.relay_handler", "on-demand", 0),
    ],
)
def test_the_issuers_keys_are_read_at_a_start_for_which_a_client_waits(
    authenticator: FakeAuthenticator, handler: str, kind: str, expected: int
) -> None:
    preload({"_HANDLER": handler, "AWS_LAMBDA_INITIALIZATION_TYPE": kind})
    assert authenticator.warmed_up == expected


def test_outside_of_lambda_nothing_is_read_ahead(authenticator: FakeAuthenticator) -> None:
    preload({})
    assert authenticator.warmed_up == 0
