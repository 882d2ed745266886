"""handlers/edge/auth/jwks.py: an issuer's keys over time, through rotations and outages."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from handlers.domain.errors import UnavailableError
from handlers.edge.auth import jwks as issuer_keys
from handlers.edge.auth.jwks import (
    FIRST_EVERY_S,
    LIFESPAN_S,
    REFRESH_EVERY_S,
    STALE_S_MAX,
    JwksCache,
)
from tests.support.clock import ManualClock

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


def with_another_key(issuer: Issuer, kid: str) -> tuple[int, bytes]:
    found = json.loads(issuer.answer[1])["keys"]
    return 200, json.dumps({"keys": [*found, {**found[1], "kid": kid}]}).encode()


def test_a_key_of_a_rotation_is_found_as_soon_as_a_question_is_due(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("ec")
    issuer.answer = with_another_key(issuer, "rotated")
    assert keys.key("rotated") is None
    clock.now_s += REFRESH_EVERY_S
    assert keys.key("rotated")
    assert issuer.calls == 2


def test_a_key_that_is_withdrawn_counts_no_longer_than_the_lifespan(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    assert keys.key("rsa")
    issuer.answer = (200, json.dumps({"keys": json.loads(issuer.answer[1])["keys"][1:]}).encode())
    clock.now_s += LIFESPAN_S - 1
    assert keys.key("rsa")
    clock.now_s += 1
    assert keys.key("rsa") is None


def test_for_any_number_of_unknown_keys_the_issuer_is_asked_once_in_a_while(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    for _ in range(3):
        for n in range(100):
            assert keys.key(f"unknown-{n}") is None
        clock.now_s += REFRESH_EVERY_S
    assert issuer.calls == 3
    assert len(keys._keys) == 2  # unknown key ids are not cached


def test_an_outage_of_the_issuer_leaves_the_keys_that_we_have(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    keys.key("ec")
    issuer.answer = DOWN
    for _ in range(3):
        clock.now_s += LIFESPAN_S
        for _ in range(20):
            assert keys.key("ec")
    assert issuer.calls == 4
    clock.now_s += STALE_S_MAX
    with pytest.raises(UnavailableError):
        keys.key("ec")


def test_without_any_key_the_issuer_is_asked_again_but_not_by_each_caller(
    keys: JwksCache, issuer: Issuer, clock: ManualClock
) -> None:
    good, issuer.answer = issuer.answer, DOWN
    for _ in range(20):
        with pytest.raises(UnavailableError):
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


def test_a_response_that_is_too_large_is_an_outage(
    keys: JwksCache, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "RESPONSE_BYTES_MAX", len(issuer.answer[1]) - 1)
    with pytest.raises(UnavailableError):
        keys.key("ec")


def test_an_issuer_that_drips_is_left_after_the_whole_time_and_not_after_each_drop(
    issuer: Issuer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "TIMEOUT_S", 0.3)
    with issuer.served(pause_s=0.1) as url:
        started = time.monotonic()
        with pytest.raises(UnavailableError):
            JwksCache(url, clock).key("ec")
        # The whole body would take more than a minute.
        assert time.monotonic() - started < 0.05 * len(issuer.answer[1])


def test_only_keys_for_signatures_count(keys: JwksCache, issuer: Issuer) -> None:
    rsa, ec = json.loads(issuer.answer[1])["keys"]
    without_use = {name: value for name, value in ec.items() if name != "use"}
    unnamed = {name: value for name, value in ec.items() if name != "kid"}
    both = [{**rsa, "use": "enc"}, without_use, unnamed]
    issuer.answer = (200, json.dumps({"keys": both}).encode())
    assert keys.key("rsa") is None
    assert keys.key("ec")
