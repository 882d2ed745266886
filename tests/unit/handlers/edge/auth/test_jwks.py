"""handlers/edge/auth/jwks.py: an issuer's keys over time, through rotations and outages."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from handlers.domain.errors import UnavailableError
from handlers.edge.auth import jwks
from handlers.edge.auth.jwk_set import KEY_ID_LENGTH_MAX
from handlers.edge.auth.jwks import (
    FIRST_EVERY_S,
    LIFESPAN_S,
    REFRESH_EVERY_S,
    STALE_S_MAX,
    UNKNOWN_EVERY_S,
    UNKNOWN_MAX,
    JwksCache,
)
from tests.support.clock import ManualClock
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.issuer import Issuer

DOWN = (500, b"down")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keys(issuer: Issuer, clock: ManualClock) -> Iterator[JwksCache]:
    with issuer.served() as url:
        yield JwksCache(url, clock)


def is_over(keys: JwksCache) -> bool:
    return keys._question.is_over.is_set()


def with_another_key(issuer: Issuer, kid: str) -> tuple[int, bytes]:
    found = json.loads(issuer.answer[1])["keys"]
    return 200, json.dumps({"keys": [*found, {**found[1], "kid": kid}]}).encode()


def asks_later(keys: JwksCache, kid: str) -> bool:
    """Return whether the caller is to send its request again; else the key is None."""
    try:
        assert keys.key(kid) is None
    except UnavailableError as error:
        return str(error) == jwks.NEW_KEY
    return False


def test_a_key_of_a_rotation_is_found_by_the_first_token_that_names_it(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("ec")
    issuer.answer = with_another_key(issuer, "rotated")
    clock.now_s += UNKNOWN_EVERY_S
    assert keys.key("rotated")
    assert issuer.calls == 2


def test_a_new_key_that_the_issuer_was_not_asked_about_is_never_called_unknown(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("ec")
    clock.now_s += UNKNOWN_EVERY_S
    assert keys.key("of-a-stranger") is None  # he has used up the question of these seconds
    issuer.answer = with_another_key(issuer, "rotated")
    clock.now_s += UNKNOWN_EVERY_S - 1
    assert asks_later(keys, "rotated")
    clock.now_s += 1
    assert keys.key("rotated")


def test_a_key_that_the_issuer_did_not_have_is_unknown_at_once_for_all_who_name_it(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("ec")
    clock.now_s += 1
    assert asks_later(keys, "old")
    clock.now_s += UNKNOWN_EVERY_S
    assert keys.key("ec")
    assert keys.key("of-another-stranger") is None  # its question answers for "old", too
    clock.now_s += 1
    assert [keys.key("old") for _ in range(20)] == [None] * 20
    assert issuer.calls == 2


def test_a_key_that_was_unknown_is_found_once_it_is_published(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("early") is None
    issuer.answer = with_another_key(issuer, "early")
    clock.now_s += UNKNOWN_EVERY_S
    assert keys.key("early")


def test_a_key_that_is_withdrawn_counts_no_longer_than_the_lifespan(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("rsa")
    issuer.answer = (200, json.dumps({"keys": json.loads(issuer.answer[1])["keys"][1:]}).encode())
    clock.now_s += LIFESPAN_S
    assert keys.key("rsa") is None
    clock.now_s += 1
    assert keys.key("rsa") is None
    assert keys.key("ec")


def test_for_any_number_of_unknown_keys_the_issuer_is_asked_once_in_a_while(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("ec")
    for _ in range(3):
        clock.now_s += UNKNOWN_EVERY_S
        for number in range(2 * UNKNOWN_MAX):
            try:
                assert keys.key(f"unknown-{clock.now_s}-{number}") is None
            except UnavailableError:
                clock.now_s += 0.001
    assert issuer.calls == 4
    assert len(keys._known.keys) == 2
    assert len(keys._unknown) <= UNKNOWN_MAX
    assert len(keys._known.absent) <= 2 * UNKNOWN_MAX


def test_a_key_id_that_no_issuer_uses_asks_nothing(keys: JwksCache, issuer: Issuer) -> None:
    assert keys.key("x" * (KEY_ID_LENGTH_MAX + 1)) is None
    assert issuer.calls == 0


def test_an_outage_of_the_issuer_leaves_the_keys_that_we_have(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    keys.key("ec")
    issuer.answer = DOWN
    for _ in range(3):
        clock.now_s += LIFESPAN_S
        for _ in range(20):
            assert keys.key("ec")
            assert keys.kept("ec")  # on the fast way, too, until the next question is due
    assert issuer.calls == 4
    clock.now_s += REFRESH_EVERY_S
    assert keys.kept("ec") is None
    clock.now_s += STALE_S_MAX
    with pytest.raises(UnavailableError, match=jwks.NO_KEYS):
        keys.key("ec")
    assert keys.kept("ec") is None


def test_without_any_key_the_issuer_is_asked_again_but_not_by_each_caller(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    good, issuer.answer = issuer.answer, DOWN
    for _ in range(20):
        with pytest.raises(UnavailableError, match=jwks.NO_KEYS):
            keys.key("ec")
    assert issuer.calls == 1
    issuer.answer = good
    clock.now_s += FIRST_EVERY_S
    assert keys.key("ec")


def test_threads_that_come_first_at_the_same_time_ask_once(keys: JwksCache, issuer: Issuer) -> None:
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(keys.key("ec"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found)
    assert len(found) == 8
    assert issuer.calls == 1


def test_keys_are_read_before_the_first_token_comes(keys: JwksCache, issuer: Issuer) -> None:
    keys.begin()
    eventually(lambda: is_over(keys), "the question")
    assert keys.kept("ec")
    keys.begin()
    assert issuer.calls == 1


def test_without_a_thread_for_the_question_the_known_keys_serve(
    keys: JwksCache, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    assert keys.key("ec")
    monkeypatch.setattr(threading.Thread, "start", start)
    clock.now_s += LIFESPAN_S
    assert keys.key("ec")
    with pytest.raises(UnavailableError):
        keys.key("unknown")
