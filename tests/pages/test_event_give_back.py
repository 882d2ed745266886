"""Giving a coupon back on the event page, which cannot be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.event_page import (
    OF_COUPON,
    EventPage,
    apply,
    arrive,
    given,
    new_id,
    problem,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Route

    from tests.support.pages import Shop


def test_giving_back_needs_the_number_and_passes_the_place_on(
    won: EventPage, shop: Shop, campaign_id: str
) -> None:
    page, serial = won.page, won.serial
    page.locator("#give-back").click()
    typed = page.locator("#give-back-typed")
    typed.fill(str(serial + 1))
    typed.press("Enter")
    expect(page.locator("#give-back-problem")).to_contain_text("That is another number")
    assert given(shop, campaign_id) == 1
    typed.fill(str(serial))
    page.locator("#give-back-yes").click()
    won.says("GIVEN_BACK")
    expect(page.locator("#coupon")).to_be_hidden()
    others = [apply(shop, campaign_id, new_id()).code for _ in range(3)]
    assert others == ["ACCEPTED", "ACCEPTED", "SOLD_OUT"]


def test_another_tab_shows_at_once_that_it_was_given_back(
    open_context: Callable[..., BrowserContext], campaign_id: str
) -> None:
    context, user = open_context(), new_id()
    one = arrive(context.new_page(), campaign_id, user)
    one.button.click()
    assert one.code
    other = EventPage(context.new_page(), campaign_id).open().sign_in(user)
    assert other.code == one.code
    one.page.locator("#give-back").click()
    one.page.locator("#give-back-typed").fill(str(one.serial))
    one.page.locator("#give-back-yes").click()
    one.says("GIVEN_BACK")
    expect(other.page.locator("#coupon")).to_be_hidden()


def test_keeping_it_changes_nothing(won: EventPage, shop: Shop, campaign_id: str) -> None:
    won.page.locator("#give-back").click()
    won.page.locator("#give-back-no").click()
    expect(won.page.locator("#give-back-dialog")).to_be_hidden()
    assert given(shop, campaign_id) == 1
    won.in_state("Ready to use")


def test_who_gave_a_coupon_back_may_take_part_again(
    won: EventPage, shop: Shop, campaign_id: str
) -> None:
    first = won.serial
    won.page.locator("#give-back").click()
    won.page.locator("#give-back-typed").fill(str(won.serial))
    won.page.locator("#give-back-yes").click()
    won.says("GIVEN_BACK")
    expect(won.button).to_have_attribute("data-does", "press")
    won.button.click()
    assert won.serial != first
    assert won.code


def test_an_answer_to_giving_back_that_is_lost_is_found_out(won: EventPage) -> None:
    page = won.page

    lost: list[int] = []

    def deal(route: Route) -> None:
        if route.request.method == "DELETE":
            lost.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(OF_COUPON, deal)
    page.locator("#give-back").click()
    page.locator("#give-back-typed").fill(str(won.serial))
    page.locator("#give-back-yes").click()
    until(page, lambda: lost == [200], "it is given back")
    expect(page.locator("#coupon")).to_be_hidden()
    expect(page.locator("#give-back-dialog")).to_be_hidden()
    won.says("GIVEN_BACK")


def refusing(code: str, status: int) -> Callable[[Route], None]:
    def deal(route: Route) -> None:
        if route.request.method == "DELETE":
            route.fulfill(**problem(code, status))
        else:
            route.continue_()

    return deal


def test_a_refusal_to_take_it_back_says_why(won: EventPage) -> None:
    page = won.page
    answers = {
        "TOO_MANY_REQUESTS": (429, "this one stays yours"),
        "UNAVAILABLE": (503, "still being issued"),
        "RESERVED": (409, "present state"),
    }
    page.locator("#give-back").click()
    page.locator("#give-back-typed").fill(str(won.serial))
    for code, (status, sentence) in answers.items():
        deal = refusing(code, status)
        page.route(OF_COUPON, deal)
        page.locator("#give-back-yes").click()
        expect(page.locator("#give-back-problem")).to_contain_text(sentence)
        page.unroute(OF_COUPON, deal)
    assert won.code
