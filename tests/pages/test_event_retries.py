"""What the page tries again by itself, and how long it waits before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.event_page import (
    OF_APPLY,
    OF_THE_CAMPAIGN,
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


def test_a_service_that_is_away_is_asked_again(page: Page, campaign_id: str) -> None:
    first_only(
        page,
        OF_THE_CAMPAIGN,
        lambda route: route.fulfill(**problem("UNAVAILABLE", 503, retry_after_s=1)),
    )
    page.goto(f"/events/{campaign_id}?lang=en")
    expect(page.locator("#event")).to_be_visible()


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
    expect(one.button).to_contain_text("Press again in")
    assert given(shop, campaign_id) == 0


def test_limited_after_unavailable_the_page_still_asks_for_the_place_it_may_have(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    answers = [problem("UNAVAILABLE", 503, 1), problem("TOO_MANY_REQUESTS", 429, 1)]

    def deal(route: Route) -> None:
        if not answers:
            route.continue_()
            return
        if len(answers) == 2:
            route.fetch()  # the place is given, and then the campaign ends
            change(shop, campaign_id, closes_at="now")
        route.fulfill(**answers.pop(0))

    page.route(OF_APPLY, deal)
    one.button.press("Enter")
    assert one.serial == 1
