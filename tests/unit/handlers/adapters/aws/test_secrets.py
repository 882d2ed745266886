"""A secret that takes long to be read again holds up the thread that reads it, and no other."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.aws.secrets import (
    CURRENT,
    MAX_AGE_S,
    PREVIOUS,
    RENEW_EVERY_S,
    Secret,
    SecretVersion,
)
from handlers.domain.errors import UnavailableError
from tests.support.clock import ManualClock
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator


class SlowSource:
    """Secrets Manager that answers a slow question when the test says so."""

    def __init__(self) -> None:
        self.texts = {CURRENT: "first", PREVIOUS: "zeroth"}
        self.slow: set[str] = set()
        self.is_down = False
        self.asked, self.answers = Event(), Event()
        self.questions = 0

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        self.questions += 1
        text = self.texts[stage]
        if stage in self.slow:
            self.slow.remove(stage)  # one question
            self.asked.set()
            assert self.answers.wait(WAIT_S), secret_id
        if self.is_down:
            raise UnavailableError
        return SecretVersion(text)


@pytest.fixture
def source() -> SlowSource:
    return SlowSource()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0.0)


@pytest.fixture
def secret(source: SlowSource, clock: ManualClock) -> Secret:
    made = Secret("prod/jwt", source, clock=clock)
    assert made.current() == "first"
    clock.now_s += RENEW_EVERY_S
    return made


@pytest.fixture
def pool(source: SlowSource) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made
        source.answers.set()


def asks(pool: ThreadPoolExecutor, source: SlowSource, secret: Secret) -> Future[bool]:
    """A stranger's token is refused, and AWS does not answer."""
    source.slow = {CURRENT}
    refused = pool.submit(secret.renew)
    assert source.asked.wait(WAIT_S)
    return refused


def test_while_a_refused_secret_is_read_again_all_others_go_on(
    pool: ThreadPoolExecutor, source: SlowSource, secret: Secret
) -> None:
    refused = asks(pool, source, secret)
    assert pool.submit(secret.current).result(WAIT_S) == "first"
    assert pool.submit(secret.renew).result(WAIT_S) is False
    source.answers.set()
    assert refused.result(WAIT_S) is False
    assert source.questions == 2


def test_while_an_old_secret_is_read_again_all_others_go_on(
    pool: ThreadPoolExecutor, source: SlowSource, secret: Secret, clock: ManualClock
) -> None:
    clock.now_s += MAX_AGE_S
    source.texts[CURRENT], source.slow = "second", {CURRENT}
    reading = pool.submit(secret.current)
    assert source.asked.wait(WAIT_S)
    assert pool.submit(secret.current).result(WAIT_S) == "first"
    source.answers.set()
    assert reading.result(WAIT_S) == secret.current() == "second"
    assert source.questions == 2


def test_an_answer_that_comes_too_late_does_not_undo_a_rotation(
    pool: ThreadPoolExecutor, source: SlowSource, secret: Secret, clock: ManualClock
) -> None:
    refused = asks(pool, source, secret)
    clock.now_s += RENEW_EVERY_S
    source.texts[CURRENT] = "second"
    assert secret.renew() is True
    source.answers.set()
    assert refused.result(WAIT_S) is True
    assert secret.current() == "second"


def test_a_previous_secret_that_was_asked_for_before_a_rotation_is_asked_for_again(
    pool: ThreadPoolExecutor, source: SlowSource, secret: Secret
) -> None:
    source.slow = {PREVIOUS}
    before = pool.submit(secret.previous, 3600)
    assert source.asked.wait(WAIT_S)
    source.texts = {CURRENT: "second", PREVIOUS: "first"}
    assert secret.renew() is True
    source.answers.set()
    assert before.result(WAIT_S) == "zeroth"
    assert secret.previous(3600) == "first"


def test_for_the_first_text_all_wait_and_one_asks(
    pool: ThreadPoolExecutor, source: SlowSource, clock: ManualClock
) -> None:
    fresh = Secret("prod/jwt", source, clock=clock)
    source.slow = {CURRENT}
    both = [pool.submit(fresh.current) for _ in range(2)]
    assert source.asked.wait(WAIT_S)
    source.answers.set()
    assert [each.result(WAIT_S) for each in both] == ["first"] * 2
    assert source.questions == 1


def test_a_slow_outage_costs_one_thread_its_time_and_none_its_secret(
    pool: ThreadPoolExecutor, source: SlowSource, secret: Secret
) -> None:
    refused = asks(pool, source, secret)
    source.is_down = True
    source.answers.set()
    assert refused.result(WAIT_S) is False
    assert secret.current() == "first"
