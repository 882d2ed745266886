"""handlers/domain: identifiers, times, campaigns, and the fields of an outcome."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import identifiers, times
from handlers.domain.campaign import Campaign, CampaignStatus, campaign_json
from handlers.domain.errors import InvalidRequestError, ServiceError

TIMES_MS = st.integers(times.EARLIEST_MS, times.LATEST_MS)
BODY: dict[str, Any] = {
    "id": "welcome",
    "name": "Welcome 쿠폰 🎟",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.123Z",
    "closes_at": "2026-11-22T13:00:00+09:00",
}
HUGE = 10**4000
DAY_MS = 86_400_000


@pytest.mark.parametrize("text", ["a", "0", "a-", "welcome-2026", "a" * 63])
def test_a_campaign_id_is_lower_case_digits_and_hyphens(text: str) -> None:
    assert identifiers.is_campaign_id(text)
    assert identifiers.campaign_id(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-a",
        "A",
        "a_b",
        "a b",
        "a\n",
        "a" * 64,
        "é",
        "a{b}",
        "\N{FULLWIDTH DIGIT ONE}",
        "\ud800",
        None,
        1,
        True,
        b"a",
    ],
)
def test_anything_else_is_not_a_campaign_id(value: object) -> None:
    assert not identifiers.is_campaign_id(value)
    with pytest.raises(InvalidRequestError, match=r"^id: "):
        identifiers.campaign_id(value)


@pytest.mark.parametrize("text", ["!", "~", "42", "a" * 64, "auth0|5f7c", "A@b.example"])
def test_a_user_id_is_printable_ascii(text: str) -> None:
    assert identifiers.is_user_id(text)


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a\n", "\x7f", "\x00", "é", "a" * 65, "\udfff", None, 42, True, b"a"]
)
def test_anything_else_is_not_a_user_id(value: object) -> None:
    assert not identifiers.is_user_id(value)


@given(TIMES_MS)
def test_every_millisecond_survives_its_text(time_ms: int) -> None:
    assert times.from_iso(times.to_iso(time_ms)) == time_ms


@given(TIMES_MS)
def test_every_millisecond_survives_mysql_and_the_driver(time_ms: int) -> None:
    from_driver = datetime.fromisoformat(times.to_mysql(time_ms))  # naive, as PyMySQL gives it
    assert times.from_datetime(from_driver) == time_ms


@given(st.integers(DAY_MS, times.LATEST_MS - DAY_MS), st.integers(-23 * 60, 23 * 60))
def test_an_offset_changes_the_text_and_not_the_time(time_ms: int, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    text = datetime.fromisoformat(times.to_iso(time_ms)).astimezone(zone).isoformat()
    assert times.from_iso(text) == time_ms


def test_a_time_looks_like_this() -> None:
    assert times.to_iso(1_795_316_400_123) == "2026-11-22T03:00:00.123Z"
    assert times.to_iso(1_795_316_400_000) == "2026-11-22T03:00:00.000Z"
    assert times.to_mysql(1_795_316_400_007) == "2026-11-22 03:00:00.007"
    assert times.to_iso(0) == "1970-01-01T00:00:00.000Z"


def test_finer_digits_than_milliseconds_are_cut() -> None:
    assert times.from_iso("2026-11-22T03:00:00.123999Z") == 1_795_316_400_123


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-11-22",
        "2026-11-22T03:00:00",
        "2026-13-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-01:00",
        "2026-11-22T03:00:00Z\x00",
        "2026-11-22\ud80003:00:00Z",
    ],
)
def test_a_text_that_is_not_a_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any text that the parser gives
        times.from_iso(text)


def test_a_campaign_is_read_from_a_request_and_shown_in_the_same_form() -> None:
    campaign = Campaign.from_request(BODY)
    assert campaign == Campaign(
        "welcome", "Welcome 쿠폰 🎟", 100, 1_795_316_400_123, 1_795_320_000_000
    )
    assert campaign_json(campaign) == BODY | {"closes_at": "2026-11-22T04:00:00.000Z"}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, None) for field in BODY]
    + [(field, True) for field in BODY]
    + [(field, []) for field in BODY]
    + [(field, {"a": 1}) for field in BODY]
    + [(field, HUGE) for field in BODY]
    + [
        ("id", "Welcome"),
        ("id", 7),
        ("name", ""),
        ("name", "a" * 201),
        ("name", "lone \ud800 surrogate"),
        ("name", "two\nlines"),
        ("name", "nothing\x00"),
        ("quantity", 0),
        ("quantity", -1),
        ("quantity", 10_000_001),
        ("quantity", 100.0),
        ("quantity", "100"),
        ("quantity", float("nan")),
        ("quantity", False),
        ("opens_at", "2026-11-22T03:00:00"),
        ("opens_at", 1_795_316_400_123),
        ("closes_at", "\ud800"),
        ("closes_at", "10000-01-01T00:00:00Z"),
    ],
)
def test_a_bad_field_of_a_campaign_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^{field}: "):
        Campaign.from_request(BODY | {field: value})


@pytest.mark.parametrize("field", list(BODY))
def test_a_missing_field_of_a_campaign_is_named(field: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^{field}: "):
        Campaign.from_request({k: v for k, v in BODY.items() if k != field})


@pytest.mark.parametrize("field", ["quantiti", "", "\ud800", "x" * 10_000])
def test_an_unknown_field_is_refused_and_shown_in_short(field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Campaign.from_request(BODY | {field: 1})
    assert str(caught.value).startswith(repr(field[:64]))
    assert len(str(caught.value).encode()) < 200


@pytest.mark.parametrize("closes_at", ["2026-11-22T03:00:00.123Z", "2026-11-22T03:00:00.122Z"])
def test_a_campaign_closes_after_it_opens(closes_at: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^closes_at: must be later"):
        Campaign.from_request(BODY | {"closes_at": closes_at})


@pytest.mark.parametrize(
    ("now_ms", "remaining", "state"),
    [
        (999, 5, "SCHEDULED"),
        (1000, 5, "OPEN"),
        (1999, 1, "OPEN"),
        (1999, 0, "SOLD_OUT"),
        (2000, 5, "CLOSED"),
        (2000, 0, "CLOSED"),
        (999, 0, "SCHEDULED"),
    ],
)
def test_a_state_follows_from_the_window_and_what_remains(
    now_ms: int, remaining: int, state: str
) -> None:
    campaign = Campaign("welcome", "Welcome", 5, 1000, 2000)
    status = CampaignStatus(campaign, 5 - remaining, 0, remaining, None, now_ms)
    assert status.state == state
    assert status.to_json()["state"] == state
    assert status.to_json()["remaining"] == remaining


def test_every_error_has_a_code_and_an_explanation() -> None:
    def all_of(kind: type[ServiceError]) -> list[type[ServiceError]]:
        return [kind] + [one for sub in kind.__subclasses__() for one in all_of(sub)]

    kinds = all_of(ServiceError)[1:]
    assert len(kinds) == 36
    for kind in kinds:
        assert kind.code.isupper()
        assert str(kind()) == kind.__doc__
        assert str(kind("said otherwise")) == "said otherwise"
