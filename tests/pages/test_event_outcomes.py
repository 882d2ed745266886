"""Each answer to a press, and what the page says to do now."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from handlers.domain import times
from tests.support.event_page import (
    OF_APPLY,
    EventPage,
    apply,
    arrive,
    change,
    first_only,
    new_id,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.pages import Shop

HOUR_S = 3600


def is_off(one: EventPage, label: str) -> None:
    expect(one.button).to_have_text(label)
    expect(one.button).to_have_attribute("aria-disabled", "true")


def is_live(one: EventPage) -> None:
    expect(one.button).to_have_attribute("data-does", "press")
    expect(one.button).to_have_attribute("aria-disabled", "false")


def test_sold_out_says_that_the_page_looks_for_a_returned_one(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    for user in ("a", "b"):
        apply(shop, campaign_id, user)
    one.button.press("Enter")
    expect(one.says("SOLD_OUT")).to_contain_text("No need to reload", ignore_case=True)
    is_off(one, "Sold out")


def test_the_button_is_live_again_when_a_coupon_was_given_back(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    for user in ("a", "b"):
        apply(shop, campaign_id, user)
    one.button.press("Enter")
    one.says("SOLD_OUT")
    change(shop, campaign_id, quantity=3)
    one.look_again()
    is_live(one)
    one.button.press("Enter")
    assert one.serial == 3


def test_paused_keeps_the_press_and_sends_it_when_the_campaign_goes_on(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    change(shop, campaign_id, paused=True)
    one.button.press("Enter")
    expect(one.says("PAUSED")).to_contain_text("this page sends it when the event goes on")
    change(shop, campaign_id, paused=False)
    assert one.serial == 1


def test_a_paused_campaign_has_a_button_that_waits_for_it(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    change(shop, campaign_id, paused=True)
    one = arrive(page, campaign_id)
    one.says("PAUSED")
    is_off(one, "Paused")
    change(shop, campaign_id, paused=False)
    is_live(one)


def test_closed_says_that_it_is_too_late(page: Page, shop: Shop, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    change(shop, campaign_id, closes_at="now")
    one.button.press("Enter")
    expect(one.says("CLOSED")).to_contain_text("too late to take part")
    is_off(one, "This event is over")


def test_a_next_release_says_when_and_the_button_waits_for_it(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    now_ms = int(time.time() * 1000)
    later = times.to_iso(now_ms + HOUR_S // 2 * 1000)
    releases = [
        {"at": times.to_iso(now_ms - 1000), "quantity": 1},
        {"at": later, "quantity": 1},
    ]
    shop.create(campaign_id, quantity=2, releases=releases, time_zone="Asia/Seoul")
    one = arrive(page, campaign_id)
    apply(shop, campaign_id, "a")
    one.button.press("Enter")
    expect(one.says("NEXT_RELEASE")).to_contain_text("More follow at")
    is_off(one, "Waiting for more coupons")
    expect(page.locator("#count-label")).to_have_text("More coupons in")


def test_a_release_makes_the_button_live_by_itself(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    now_ms = int(time.time() * 1000)
    releases = [
        {"at": times.to_iso(now_ms - 1000), "quantity": 1},
        {"at": times.to_iso(now_ms + 12_000), "quantity": 1},
    ]
    shop.create(campaign_id, quantity=2, releases=releases)
    apply(shop, campaign_id, "a")
    one = arrive(page, campaign_id)
    is_live(one)
    one.button.press("Enter")
    assert one.serial == 2


def test_who_is_not_eligible_can_take_another_account(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, eligibility={"claim": "plan", "equals": "gold"})
    one = arrive(page, campaign_id)
    one.button.press("Enter")
    expect(one.says("NOT_ELIGIBLE")).to_contain_text("sign in with that one")
    expect(page.locator("#facts")).to_contain_text("plan: gold")
    expect(one.button).to_have_text("Use another account")
    one.button.press("Enter")
    expect(page.locator("dialog[open] input[name=username]")).to_be_visible()


def test_a_token_that_is_refused_leads_to_the_sign_in(page: Page, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    forged = {"Authorization": "Bearer a.b.c"}
    first_only(
        page, OF_APPLY, lambda route: route.continue_(headers=route.request.headers | forged)
    )
    one.button.press("Enter")
    expect(one.button).to_have_attribute("data-does", "sign_in")
    expect(page.locator("#message")).to_be_visible()


def test_no_such_campaign_says_so(page: Page) -> None:
    page.goto(f"/events/{new_id()}?lang=en")
    expect(page.locator("#loading")).to_have_text("There is no such event")
    expect(page.locator("#event")).to_be_hidden()


def test_postponed_the_button_goes_back_to_the_countdown(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=HOUR_S)
    one = arrive(page, campaign_id)
    is_off(one, "Not open yet")
    expect(page.locator("#countdown")).to_have_text(re.compile(r"^00:59:\d\d$"))
    change(shop, campaign_id, opens_at=times.to_iso(int((time.time() + 1800) * 1000)))
    one.look_again()
    expect(page.locator("#countdown")).to_have_text(re.compile(r"^00:29:\d\d$"))
