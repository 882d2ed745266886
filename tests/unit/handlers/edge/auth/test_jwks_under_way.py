"""handlers/edge/auth/jwks.py while a question to the issuer is under way: who waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from handlers.edge.auth import issuer_exchange, jwks
from handlers.edge.auth.jwks import (
    EXCHANGE_S,
    LIFESPAN_S,
    REFRESH_AFTER_S,
    REFRESH_EVERY_S,
    UNKNOWN_EVERY_S,
    JwksCache,
)
from tests.support.clock import ManualClock
from tests.support.waiting import eventually
from tests.unit.handlers.edge.auth.test_jwks import asks_later, is_over

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.issuer import Issuer


@pytest.fixture
def held(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[JwksCache, ManualClock, threading.Event]]:
    """Keys that were read once, and the event that ends each later question to the issuer."""
    body, release, clock = issuer.answer[1], threading.Event(), ManualClock()
    first, answers = threading.Event(), [body]

    def get(_url: str, _timeout_s: float) -> bytes:
        if first.is_set():
            issuer.calls += 1
            assert release.wait(30)
        first.set()
        return answers[-1]

    monkeypatch.setattr(issuer_exchange, "get", get)
    keys = JwksCache("", clock)
    assert keys.key("ec")
    yield keys, clock, release
    release.set()
    assert keys._question.is_over.wait(30)


def test_keys_that_are_due_are_read_again_while_the_known_ones_serve(
    held: tuple[JwksCache, ManualClock, threading.Event], issuer: Issuer
) -> None:
    keys, clock, release = held
    clock.now_s += REFRESH_AFTER_S
    for _ in range(50):
        assert keys.key("ec")
        assert keys.kept("rsa")
    assert not is_over(keys)  # the issuer has not answered while all of them were served
    release.set()
    eventually(lambda: is_over(keys), "the question")
    assert issuer.calls == 1
    assert keys._known.asked_at == clock.now_s


def test_only_the_caller_who_finds_the_keys_too_old_waits_for_them(
    held: tuple[JwksCache, ManualClock, threading.Event],
) -> None:
    keys, clock, release = held
    clock.now_s += LIFESPAN_S
    first = threading.Thread(target=keys.key, args=("ec",))
    first.start()
    eventually(lambda: not is_over(keys), "the question")
    assert keys.key("ec")
    assert keys.key("rsa")
    assert first.is_alive()
    release.set()
    first.join(30)
    assert is_over(keys)


def test_a_caller_with_an_unknown_key_waits_for_a_while_and_is_asked_to_come_again(
    held: tuple[JwksCache, ManualClock, threading.Event],
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jwks, "WAIT_S", 0.01)
    keys, clock, release = held
    clock.now_s += UNKNOWN_EVERY_S
    for number in range(20):
        assert asks_later(keys, f"unknown-{number}")
        assert keys.key("ec")
    assert not is_over(keys)
    release.set()
    eventually(lambda: is_over(keys), "the question")
    assert issuer.calls == 1
    assert keys.key("unknown-0") is None


def test_an_answer_to_a_question_of_a_frozen_process_does_not_replace_a_later_one(
    held: tuple[JwksCache, ManualClock, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, clock, release = held
    clock.now_s += REFRESH_AFTER_S
    assert keys.key("ec")
    frozen = keys._question
    clock.now_s += REFRESH_EVERY_S
    assert keys.key("ec")
    assert keys._question is not frozen  # given up, since its time is over
    release.set()
    eventually(lambda: frozen.is_over.is_set() and is_over(keys), "the question")
    assert keys._known.asked_at == keys._question.asked_at


def test_a_question_that_does_not_end_is_given_up_after_its_time(
    held: tuple[JwksCache, ManualClock, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "WAIT_S", 0.0)
    monkeypatch.setattr(jwks, "UNKNOWN_EVERY_S", 0.0)
    keys, clock, release = held
    clock.now_s += 1
    assert asks_later(keys, "unknown")
    first = keys._question
    clock.now_s += EXCHANGE_S - 0.1
    assert asks_later(keys, "unknown")
    assert keys._question is first
    clock.now_s += 0.1
    assert asks_later(keys, "unknown")
    assert keys._question is not first
    release.set()
    assert first.is_over.wait(30)
