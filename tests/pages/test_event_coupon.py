"""A person's own coupon on the event page: its states, the copy, and giving it back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from handlers.domain import times
from tests.support.event_page import (
    OF_COUPON,
    EventPage,
    apply,
    arrive,
    coupon,
    first_only,
    new_id,
    problem,
    until,
)
from tests.support.http_client import Call
from tests.support.service import ADMIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page, Route

    from tests.support.pages import Shop

REDEEM = "coupon:redeem"


@pytest.fixture
def campaign_id(shop: Shop) -> str:
    """An open campaign of two coupons."""
    name = new_id()
    shop.create(name, quantity=2, usable_days=30)
    return name


def shop_call(shop: Shop, method: str, path: str, body: object = None) -> None:
    answer = shop.client.send(Call(method, f"/coupons/{path}", "shop", REDEEM, body))
    assert answer.status in {200, 201, 204}, answer


def test_the_page_shows_what_a_shop_does_with_the_coupon(won: EventPage, shop: Shop) -> None:
    code = won.code
    expect(won.page.locator("#give-back")).to_be_visible()
    reservation = {"order_id": "o-1", "ttl_s": 60}
    shop_call(shop, "POST", f"{code}/reservations", reservation)
    won.in_state("In an order")
    expect(won.page.locator("#give-back")).to_be_hidden()
    shop_call(shop, "POST", f"{code}/redemptions", {"order_id": "o-1"})
    won.in_state("Used")
    shop_call(shop, "DELETE", f"{code}/redemptions/o-1")
    won.in_state("Ready to use")


def test_a_revoked_coupon_is_shown_as_such(won: EventPage, shop: Shop) -> None:
    call = Call("POST", f"/coupons/{won.code}/revocation", "admin", ADMIN, {"reason": "test"})
    assert shop.client.send(call).status == 200
    won.in_state("Revoked")
    expect(won.page.locator("#coupon-text")).to_contain_text("Support can tell you more")


def test_a_coupon_expires_and_one_that_is_too_early_says_when(page: Page, shop: Shop) -> None:
    early, campaign_id = new_id(), new_id()
    now_ms = int(time.time() * 1000)
    shop.create(early, usable_from=times.to_iso(now_ms + 86_400_000))
    shop.create(campaign_id, usable_until=times.to_iso(now_ms + 6000))
    user = new_id()
    for name in (early, campaign_id):
        apply(shop, name, user)
    one = arrive(page, early, user)
    expect(page.locator("#coupon-state")).to_have_text("Not usable yet")
    EventPage(page, campaign_id).open()
    assert one.code
    expect(page.locator("#coupon-state")).to_have_text("Expired")


def test_pending_says_that_the_place_is_kept_until_the_code_comes(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    user = new_id()
    one = arrive(page, campaign_id, user)
    asked: list[float] = []

    def pend(route: Route) -> None:
        asked.append(time.monotonic())
        answer = route.fetch()
        if len(asked) > 3 or answer.status != 200:
            route.fulfill(response=answer)
            return
        body = answer.json() | {"status": "PENDING", "code": None, "state": None}
        route.fulfill(response=answer, json=body)

    page.route(OF_COUPON, pend)
    one.button.click()
    expect(page.locator("#coupon-text")).to_contain_text("your place is kept")
    serial = one.serial
    assert one.code == coupon(shop, campaign_id, user).body["code"]
    assert one.serial == serial
    # Each wait is longer than the one before.
    assert asked[2] - asked[1] < asked[3] - asked[2]


def test_a_coupon_that_could_not_be_written_says_that_the_place_is_kept(
    page: Page, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)

    def fail(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        if answer.status == 200:
            body |= {"status": "FAILED", "code": None, "state": None}
        route.fulfill(response=answer, json=body)

    page.route(OF_COUPON, fail)
    one.button.click()
    expect(page.locator("#coupon-state")).to_have_text("Delayed")
    expect(page.locator("#coupon-text")).to_contain_text("Your place is kept")


def test_the_code_is_copied(open_context: Callable[..., BrowserContext], campaign_id: str) -> None:
    context = open_context(permissions=["clipboard-read", "clipboard-write"])
    one = arrive(context.new_page(), campaign_id)
    one.button.click()
    code = one.code
    one.page.locator("#copy").click()
    expect(one.page.locator("#copied")).to_have_text("Copied.")
    assert one.page.evaluate("navigator.clipboard.readText()") == code


def test_where_the_browser_forbids_the_clipboard_the_code_is_selected(won: EventPage) -> None:
    won.page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new TypeError('no')); }"
    )
    won.page.locator("#copy").click()
    expect(won.page.locator("#copied")).to_contain_text("selected")
    assert won.page.evaluate("getSelection().toString().trim()") == won.code


def test_a_look_that_fails_keeps_what_is_known(won: EventPage) -> None:
    code = won.code
    seen = first_only(
        won.page, OF_COUPON, lambda route: route.fulfill(**problem("UNAVAILABLE", 503, 1))
    )
    won.look_again()
    until(won.page, lambda: len(seen) > 1, "another look")
    assert won.code == code
