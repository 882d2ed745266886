"""admissions.py without Redis: how long a confirmation waits for replicas, and whether it does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from handlers.adapters.redis.admissions import WAIT_MS_MAX, WAIT_MS_MIN, Admissions
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.adapters.redis.scripts import Call, Script

ADMITTED = [CouponAccepted("welcome", user, n, 0, 1) for n, user in enumerate("ab", 1)]
NOW_S = 1000.0


class Scripts:
    """Confirms everything; notes what is asked, with the command behind it."""

    checks_epoch = "1"

    def __init__(self, confirming_replicas: int) -> None:
        self.confirming_replicas = confirming_replicas
        self.asked: list[Any] = []
        self.reply: Any = 1

    def run_all(self, _script: Script, calls: Sequence[Call], *wait: Any) -> list[Any]:
        self.asked += [(calls, *wait)]
        return [self.reply] * len(calls)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: NOW_S)


def confirmed(scripts: Scripts, *deadline: float) -> list[bool]:
    return Admissions(cast("Any", scripts)).confirm_all(ADMITTED, *deadline)


@pytest.mark.parametrize("left_s", [-1.0, 0.0, 0.06, 60.0])
def test_without_the_setting_one_script_is_asked_whatever_time_is_left(left_s: float) -> None:
    scripts = Scripts(0)
    assert confirmed(scripts, NOW_S + left_s) == [True, True]
    [(calls,)] = scripts.asked
    assert calls == [(("coupon:{welcome}:campaign",), ("1", 1, ""))]


@pytest.mark.parametrize(
    ("left_s", "wait_ms"),
    [
        (60.0, WAIT_MS_MAX),
        (0.1, WAIT_MS_MAX),
        (0.0625, 62),
        (WAIT_MS_MIN / 1000 + 0.0005, WAIT_MS_MIN),
    ],
)
def test_replicas_are_waited_for_no_longer_than_the_request_has_left(
    left_s: float, wait_ms: int
) -> None:
    scripts = Scripts(2)
    assert confirmed(scripts, NOW_S + left_s) == [True, True]
    [(calls, wait)] = scripts.asked
    assert wait == ("WAIT", 2, wait_ms)
    assert calls == [(("coupon:{welcome}:campaign",), ("1", 1, "1"))]


def test_without_a_deadline_the_wait_has_its_own_limit() -> None:
    scripts = Scripts(1)
    assert confirmed(scripts) == [True, True]
    assert scripts.asked[0][1] == ("WAIT", 1, WAIT_MS_MAX)


@pytest.mark.parametrize("left_s", [-1.0, 0.0, 0.009])
def test_with_no_time_left_nothing_is_confirmed_and_redis_is_not_asked(left_s: float) -> None:
    """A WAIT of 0 ms would be one without an end."""
    scripts = Scripts(1)
    assert confirmed(scripts, NOW_S + left_s) == [False, False]
    assert scripts.asked == []


@pytest.mark.parametrize("reply", [0, UnavailableError("too few replicas")])
def test_what_redis_or_its_replicas_do_not_confirm_is_not_confirmed(reply: object) -> None:
    scripts = Scripts(1)
    scripts.reply = reply
    assert confirmed(scripts, NOW_S + 1) == [False, False]


@pytest.mark.parametrize("replicas", [0, 1])
def test_for_no_admission_there_is_no_reply(replicas: int) -> None:
    assert Admissions(cast("Any", Scripts(replicas))).confirm_all([], 0.0) == []
