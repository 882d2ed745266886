"""Webhooks: what an administrator may say, what is signed, what is sent, and when again."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from handlers.domain.coupon_event import EventKind
from handlers.domain.errors import InvalidRequestError
from handlers.domain.webhook import WebhookWish, previous_secret_s
from handlers.domain.webhook_attempt import (
    DueDelivery,
    WebhookAnswer,
    WebhookAttempt,
    retry_after_s,
)
from handlers.domain.webhook_event import (
    OF_COUPON_EVENT,
    WebhookEvent,
    WebhookEventKind,
    event_id,
)
from handlers.domain.webhook_signature import WebhookSecrets

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTPS = ("https",)
GOOD = {"url": "https://shop.example/hook", "kinds": ["coupon.issued"]}
EVENT = WebhookEvent("coupon_issued:welcome:7", "coupon.issued", 1_763_780_400_123, "welcome", 7)


def refused(body: Mapping[str, Any], schemes: tuple[str, ...] = HTTPS) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        WebhookWish.of_new(body, schemes)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example:8443/hook?shop=1&key=a%20b",
        "https://93.184.216.34/",
        "https://[2606:4700::1]/",
        "HTTPS://shop.example/",
    ],
)
def test_an_https_address_is_taken_as_it_is_written(url: str) -> None:
    assert WebhookWish.of_new(GOOD | {"url": url}, HTTPS).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        7,
        "shop.example",
        "http://shop.example/",
        "ftp://shop.example/",
        "https://",
        "https:///path",
        "https://user:password@shop.example/",
        "https://@shop.example/",
        "https://shop.example/#part",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://shop..example/",
        "https://[::1/",
        "https://shop.example/a b",
        "https://shop.example/\r\nX: y",
        "https://가게.example/",
        f"https://shop.example/{'x' * 2000}",
    ],
)
def test_any_other_address_is_refused(url: object) -> None:
    assert refused(GOOD | {"url": url}).startswith("url: must be https://host")


def test_plain_http_is_taken_only_where_it_is_allowed() -> None:
    plain = GOOD | {"url": "http://127.0.0.1:8080/"}
    assert WebhookWish.of_new(plain, ("https", "http")).url == plain["url"]
    assert refused(plain)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kinds": []}, "kinds:"),
        ({"kinds": "coupon.issued"}, "kinds:"),
        ({"kinds": ["coupon.issued", "coupon.sold"]}, "kinds:"),
        ({"kinds": [["coupon.issued"]]}, "kinds:"),
        ({"description": None}, "description:"),
        ({"description": "x" * 201}, "description:"),
        ({"description": "a\nb"}, "description:"),
        ({"description": "\ud800"}, "description:"),
        ({"active": True}, "'active'"),
        ({"secret": "x"}, "'secret'"),
    ],
)
def test_a_wrong_field_is_named(change: Mapping[str, Any], named: str) -> None:
    assert refused({**GOOD, **change}).startswith(named)


def test_a_new_webhook_needs_address_and_kinds_and_a_change_one_field() -> None:
    assert refused({"kinds": ["coupon.issued"]}) == "url: must be given"
    assert refused({"url": GOOD["url"]}) == "kinds: must be given"
    for body in ({}, {"active": 1}, {"active": None}, {"url": None}, {"id": "x"}):
        with pytest.raises(InvalidRequestError):
            WebhookWish.of_change(body, HTTPS)
    assert WebhookWish.of_change({"active": False}, HTTPS) == WebhookWish(active=False)
    twice = WebhookWish.of_new(GOOD | {"kinds": ["coupon.revoked", "coupon.issued"] * 2}, HTTPS)
    assert twice.kinds == ("coupon.issued", "coupon.revoked")


def test_the_time_of_a_previous_secret_is_bounded() -> None:
    assert (previous_secret_s({}), previous_secret_s({"previous_secret_s": 0})) == (86_400, 0)
    for bad in (-1, 604_801, True, 1.5, "9", None):
        with pytest.raises(InvalidRequestError, match="previous_secret_s"):
            previous_secret_s({"previous_secret_s": bad})


def test_the_official_package_verifies_what_is_signed_by_any_of_the_secrets_and_nothing_else() -> (
    None
):
    secrets, body, now_s = WebhookSecrets("r" * 32), EVENT.body(), int(time.time())
    headers = secrets.headers("wh_1", (3, 2), EVENT.id, now_s, body)
    for generation in (3, 2):
        content = Verifier(secrets.shown("wh_1", generation)).verify(body, headers)
        assert content == json.loads(body)
    wrong = [secrets.shown("wh_1", 1), secrets.shown("wh_2", 3)]
    wrong.append(WebhookSecrets("s" * 32).shown("wh_1", 3))
    for secret in wrong:
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, headers)
    for changed in ({"webhook-id": "other"}, {"webhook-timestamp": str(now_s + 1)}):
        with pytest.raises(WebhookVerificationError):
            Verifier(secrets.shown("wh_1", 3)).verify(body, headers | changed)
    with pytest.raises(WebhookVerificationError):
        Verifier(secrets.shown("wh_1", 3)).verify(body + b" ", headers)


def test_a_body_has_type_timestamp_and_data() -> None:
    event = WebhookEvent(
        "coupon_redeemed:welcome:7:3",
        "coupon.redeemed",
        1_763_780_400_123,
        "welcome",
        7,
        "0123456789ABCDEF",
        "42",
        {"order_id": "주문-1"},
    )
    assert json.loads(event.body()) == {
        "type": "coupon.redeemed",
        "timestamp": "2025-11-22T03:00:00.123Z",
        "data": {
            "campaign_id": "welcome",
            "serial": 7,
            "code": "0123456789ABCDEF",
            "user_id": "42",
            "order_id": "주문-1",
        },
    }
    opened = WebhookEvent("campaign_opened:welcome", "campaign.opened", 0, "welcome")
    assert json.loads(opened.body())["data"] == {"campaign_id": "welcome"}


def test_an_event_is_named_the_same_each_time_and_without_a_full_stop() -> None:
    assert event_id(WebhookEventKind.REVOKED, "welcome", 7, 12) == "coupon_revoked:welcome:7:12"
    assert all("." not in event_id(kind) for kind in WebhookEventKind)
    assert set(OF_COUPON_EVENT) < set(EventKind)


@given(number=st.integers(1, 10_000))
def test_pauses_grow_up_to_hours_and_are_not_the_same_for_all(number: int) -> None:
    def pause(status: int | None, asked: int = 0) -> float:
        answer = WebhookAnswer(status, retry_after_s=asked)
        return WebhookAttempt(DueDelivery(EVENT, number), answer).pause_s()

    longest = min(5 * 4 ** (min(number, 12) - 1), 21_600)
    pauses = {pause(500) for _ in range(20)}
    assert len(pauses) > 1
    assert all(0.75 * longest <= one <= 1.25 * longest for one in pauses)
    assert pause(503, asked=3600) >= 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("7", 7),
        ("9999", 3600),
        ("9" * 5000, 3600),
        ("-1", 0),
        ("1.5", 0),
        ("\uff11", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
    ],
)
def test_a_receiver_may_ask_for_an_hour_at_most(text: str | None, seconds: int) -> None:
    assert retry_after_s(text) == seconds


@pytest.mark.parametrize(
    ("status", "arrived", "gone"),
    [(200, 1, 0), (204, 1, 0), (299, 1, 0), (199, 0, 0), (301, 0, 0), (410, 0, 1), (None, 0, 0)],
)
def test_only_a_2xx_is_an_arrival(status: int | None, arrived: int, gone: int) -> None:
    answer = WebhookAnswer(status)
    assert (answer.arrived, answer.is_gone) == (bool(arrived), bool(gone))
