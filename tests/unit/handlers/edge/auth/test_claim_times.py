"""When a token is good: with a secret and with an issuer alike."""

from __future__ import annotations

import dataclasses
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.issuer import ISSUER, OUR_RULES, SHOP

if TYPE_CHECKING:
    from tests.unit.handlers.edge.auth.conftest import Check

NOW, DAY_S = int(time.time()), 86_400
GOOD: dict[str, Any] = {"sub": "42", "exp": NOW + 600, "iss": ISSUER, "aud": SHOP}
TOO_EARLY = "the token is not valid yet"
TOO_LONG = "the token's exp is too far away: a token may live for 86400 seconds"
INVALID = "the token is not valid"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 9}, "42"),
        ({"exp": NOW - 10}, "the token has expired"),
        ({"nbf": NOW + 10}, "42"),
        ({"nbf": NOW + 11}, TOO_EARLY),
        ({"iat": NOW + 10}, "42"),
        ({"iat": NOW + 11}, TOO_EARLY),
    ],
)
def test_clocks_may_differ_by_the_leeway(
    answer: Check, claims: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clocks(monkeypatch)
    assert answer(GOOD | claims) == expected


def stop_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is NOW and a half, here and for PyJWT."""
    for module in ("hs256", "claims", "authenticator"):
        clock = SimpleNamespace(time=lambda: NOW + 0.5)
        monkeypatch.setattr(f"handlers.edge.auth.{module}.time", clock)
    moment = SimpleNamespace(now=lambda **_: SimpleNamespace(timestamp=lambda: NOW + 0.5))
    monkeypatch.setattr("jwt.api_jwt.datetime", moment)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 1}, "the token has expired"),
        ({"exp": NOW + 1}, "42"),
        ({"iat": NOW + 1}, TOO_EARLY),
        ({"nbf": NOW + 1}, TOO_EARLY),
    ],
)
def test_without_a_leeway_each_second_counts(
    answer: Check, claims: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clocks(monkeypatch)
    assert answer(GOOD | claims, dataclasses.replace(OUR_RULES, leeway_s=0)) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW + DAY_S + 10}, "42"),
        ({"exp": NOW + DAY_S + 11}, TOO_LONG),
        ({"exp": NOW + 60, "iat": NOW + 70 - DAY_S - 20}, "42"),
        ({"exp": NOW + 60, "iat": NOW + 60 - DAY_S - 11}, TOO_LONG),
        ({"exp": NOW + 60.5, "iat": NOW - 5.5}, "42"),
        ({"exp": 10**4000}, TOO_LONG),
        ({"exp": 10**4000, "iat": 1.5}, TOO_LONG),
        ({"exp": 1e308}, TOO_LONG),
        ({"exp": NOW + 60, "iat": -(10**4000)}, TOO_LONG),
    ],
)
def test_a_token_may_live_for_a_day_from_its_issue_or_from_now(
    answer: Check, claims: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clocks(monkeypatch)
    assert answer(GOOD | claims) == expected


def test_the_longest_life_is_a_setting(answer: Check) -> None:
    week = dataclasses.replace(OUR_RULES, max_life_s=7 * DAY_S)
    assert answer(GOOD | {"exp": NOW + 6 * DAY_S}, week) == "42"
    assert "604800 seconds" in answer(GOOD | {"exp": NOW + 8 * DAY_S}, week)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("value", ["1700000000", " 1", True, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_time_that_is_no_number_is_refused_by_its_name(
    answer: Check, claim: str, value: object
) -> None:
    assert answer(GOOD | {claim: value}) == f"the token's {claim} is no number"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [None, [], {}, "soon", float("inf"), float("nan")])
def test_a_time_that_means_no_moment_is_refused(answer: Check, claim: str, value: object) -> None:
    assert answer(GOOD | {claim: value}) == INVALID
