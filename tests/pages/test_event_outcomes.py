"""Each answer to a press, and what the page says to do now."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from handlers.domain import times
from tests.support.event_page import (
    OF_APPLY,
    OF_THE_CAMPAIGN,
    EventPage,
    apply,
    arrive,
    change,
    coupon,
    first_only,
    given,
    new_id,
    problem,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.support.pages import Shop

HOUR_S = 3600


@pytest.fixture
def campaign_id(shop: Shop) -> str:
    """An open campaign."""
    name = new_id()
    shop.create(name, quantity=2)
    return name


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


def test_too_many_requests_waits_as_long_as_asked_and_sends_by_itself(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    answered: list[float] = []

    def refuse(route: Route) -> None:
        route.fulfill(**problem("TOO_MANY_REQUESTS", 429, retry_after_s=2))
        answered.append(time.monotonic())

    seen = first_only(page, OF_APPLY, refuse)
    one.button.press("Enter")
    expect(one.says("TOO_MANY_REQUESTS")).to_contain_text("No need to press")
    expect(one.button).to_have_attribute("aria-disabled", "true")
    with page.expect_request(OF_APPLY):
        one.button.press("Enter")  # does nothing
    assert time.monotonic() - answered[0] >= 2.0
    assert one.serial == 1
    assert len(seen) == 2


def test_retry_after_is_waited_out_with_jitter_and_grows_with_failures(page: Page) -> None:
    page.goto("/events/none")
    waits = page.evaluate(
        """async () => {
          const { backoff, jittered } = await import(
            document.querySelector("link[href$='api.js']").href);
          const none = () => 0, most = () => 0.999999;
          return {
            least: jittered(2000, none), most: Math.round(jittered(2000, most)),
            grows: [1, 2, 3, 4, 5, 9].map((failures) => backoff(failures, 15000, none)),
          };
        }"""
    )
    assert waits == {
        "least": 2000,
        "most": 3000,
        "grows": [1000, 2000, 4000, 8000, 15000, 15000],
    }


def test_unavailable_says_that_a_place_is_kept_and_asks_again(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    user = new_id()
    one = arrive(page, campaign_id, user)

    def keep(route: Route) -> None:
        route.fetch()  # the place is given, and the service is not sure that it is safe
        route.fulfill(**problem("UNAVAILABLE", 503, retry_after_s=1))

    first_only(page, OF_APPLY, keep)
    one.button.press("Enter")
    expect(one.says("UNAVAILABLE")).to_contain_text("it is kept")
    assert one.serial == coupon(shop, campaign_id, user).body["serial"] == 1


def test_after_unavailable_the_page_asks_also_when_the_campaign_has_closed(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)

    def keep(route: Route) -> None:
        route.fetch()
        change(shop, campaign_id, closes_at="now")
        route.fulfill(**problem("UNAVAILABLE", 503, retry_after_s=1))

    first_only(page, OF_APPLY, keep)
    one.button.press("Enter")
    assert one.serial == 1


def test_a_token_that_is_refused_leads_to_the_sign_in(page: Page, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    forged = {"Authorization": "Bearer a.b.c"}
    first_only(
        page, OF_APPLY, lambda route: route.continue_(headers=route.request.headers | forged)
    )
    one.button.press("Enter")
    expect(one.button).to_have_attribute("data-does", "sign_in")
    expect(page.locator("#message")).to_be_visible()


def test_a_fault_of_the_service_names_a_number_for_support(page: Page, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    page.route(OF_APPLY, lambda route: route.fulfill(**problem("INTERNAL", 500)))
    one.button.press("Enter")
    expect(one.says("OTHER")).to_contain_text("r-of-a-test")


def test_an_answer_of_something_in_between_is_no_answer(page: Page, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    first_only(
        page,
        OF_APPLY,
        lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad</h1>"),
    )
    one.button.press("Enter")
    assert one.serial == 1


def test_no_such_campaign_says_so(page: Page) -> None:
    page.goto(f"/events/{new_id()}?lang=en")
    expect(page.locator("#loading")).to_have_text("There is no such event")
    expect(page.locator("#event")).to_be_hidden()


def test_a_service_that_is_away_is_asked_again(page: Page, campaign_id: str) -> None:
    first_only(
        page,
        OF_THE_CAMPAIGN,
        lambda route: route.fulfill(**problem("UNAVAILABLE", 503, retry_after_s=1)),
    )
    page.goto(f"/events/{campaign_id}?lang=en")
    expect(page.locator("#event")).to_be_visible()


def test_postponed_the_button_goes_back_to_the_countdown(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=HOUR_S)
    one = arrive(page, campaign_id)
    is_off(one, "Not open yet")
    expect(page.locator("#countdown")).to_have_text(re.compile(r"^00:59:\d\d$"))
    change(shop, campaign_id, opens_at=times.to_iso(int((time.time() + 1800) * 1000)))
    one.look_again()
    expect(page.locator("#countdown")).to_have_text(re.compile(r"^00:29:\d\d$"))


def test_a_press_that_waits_can_be_stopped(page: Page, shop: Shop, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    page.route(
        OF_APPLY,
        lambda route: route.fulfill(**problem("TOO_MANY_REQUESTS", 429, retry_after_s=60)),
    )
    one.button.press("Enter")
    one.says("TOO_MANY_REQUESTS")
    stop = page.locator("#stop")
    stop.press("Enter")
    expect(stop).to_be_hidden()
    expect(one.button).to_be_focused()
    # Retry-After holds also for a new press.
    expect(one.button).to_have_attribute("aria-disabled", "true")
    assert given(shop, campaign_id) == 0


def test_both_languages_have_each_sentence_with_the_same_values(page: Page) -> None:
    page.goto("/events/none")
    texts = page.evaluate(
        """async () => (await import(
          document.querySelector("link[href$='event/texts.js']").href)).TEXTS"""
    )
    values = {
        language: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in table.items()}
        for language, table in texts.items()
    }
    assert values["ko"] == values["en"]
    assert json.dumps(texts["ko"], ensure_ascii=False) != json.dumps(texts["en"])
