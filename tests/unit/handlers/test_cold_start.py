"""handlers/cold_start.py: what a function does before its first event."""

from __future__ import annotations

import gc
import random
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import snapshot_restore_py

from handlers import wiring
from handlers.adapters.aws.secret_store import SecretStore
from handlers.cold_start import API, CONSUMER, preload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.config import Settings


class FakeAuthenticator:
    """Counts how often the issuer's keys are asked for ahead of a token, and PyJWT imported."""

    def __init__(self) -> None:
        self.warmed_up = 0
        self.prepared = 0

    def prepare(self) -> None:
        self.prepared += 1

    def warm_up(self) -> None:
        self.warmed_up += 1


class Prepared:
    """Counts how often it is prepared."""

    def __init__(self) -> None:
        self.times = 0

    def prepare(self) -> None:
        self.times += 1


@pytest.fixture
def authenticator(service_settings: Settings) -> Iterator[FakeAuthenticator]:
    fake = FakeAuthenticator()
    with ExitStack() as overrides:
        overrides.enter_context(wiring.override(wiring.settings, service_settings))
        overrides.enter_context(wiring.override(wiring.authenticator, fake))
        for client in (
            wiring.rejection_cache,
            wiring.ledger,
            wiring.admissions,
        ):
            overrides.enter_context(wiring.override(client, object()))
        for prepared in (wiring.publisher, wiring.secrets):
            overrides.enter_context(wiring.override(prepared, Prepared()))
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


@pytest.mark.parametrize(
    ("kind", "expected"), [("on-demand", 0), ("provisioned-concurrency", 1), ("snap-start", 1)]
)
def test_what_reads_unusual_tokens_is_imported_ahead_where_no_client_waits(
    authenticator: FakeAuthenticator, kind: str, expected: int
) -> None:
    preload({"_HANDLER": API, "AWS_LAMBDA_INITIALIZATION_TYPE": kind})
    assert authenticator.prepared == expected


def test_the_garbage_collector_rests_during_the_imports_and_works_afterwards(
    authenticator: FakeAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(authenticator, "warm_up", lambda: seen.append(gc.isenabled()))
    preload({"_HANDLER": API, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})
    assert (seen, gc.isenabled()) == ([False], True)


def test_outside_of_lambda_nothing_is_read_ahead(authenticator: FakeAuthenticator) -> None:
    preload({})
    assert authenticator.warmed_up == 0


@pytest.mark.parametrize(
    ("kind", "times"), [("on-demand", 0), ("provisioned-concurrency", 1), ("snap-start", 1)]
)
def test_what_a_first_coupon_needs_is_loaded_where_no_client_waits_for_it(
    service_settings: Settings, kind: str, times: int
) -> None:
    publisher, secrets, built = Prepared(), Prepared(), list[str]()

    def ledger() -> object:
        built.append("ledger")
        return object()

    with ExitStack() as overrides:
        for client, fake in (
            (wiring.settings, service_settings),
            (wiring.authenticator, FakeAuthenticator()),
            (wiring.rejection_cache, object()),
            (wiring.publisher, publisher),
            (wiring.secrets, secrets),
        ):
            overrides.enter_context(wiring.override(client, fake))
        overrides.enter_context(pytest.MonkeyPatch.context()).setattr(wiring, "ledger", ledger)
        preload({"_HANDLER": API, "AWS_LAMBDA_INITIALIZATION_TYPE": kind})
    assert (publisher.times, secrets.times, len(built)) == (times, times, times)


def test_secrets_are_prepared_without_reading_one_and_only_where_boto3_reads_them(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("boto3.client", lambda name, **_: asked.append(name))
    SecretStore(replace(service_settings, database_secret_id="")).prepare()
    assert asked == []
    SecretStore(replace(service_settings, database_secret_id="mysql")).prepare()
    assert asked == ["secretsmanager"]


@pytest.mark.parametrize(
    ("kind", "differ"),
    [("on-demand", False), ("provisioned-concurrency", False), ("snap-start", True)],
)
def test_environments_that_begin_from_one_snapshot_draw_different_numbers(
    authenticator: FakeAuthenticator, monkeypatch: pytest.MonkeyPatch, kind: str, *, differ: bool
) -> None:
    after: list[Callable[[], object]] = []
    monkeypatch.setattr(snapshot_restore_py, "register_after_restore", after.append)
    preload({"_HANDLER": "app.relay_handler", "AWS_LAMBDA_INITIALIZATION_TYPE": kind})
    snapshot, drawn = random.getstate(), set[int]()
    for _ in range(2):
        random.setstate(snapshot)
        for each in after:
            each()
        drawn.add(random.getrandbits(64))
    assert (len(drawn) == 2) is differ
