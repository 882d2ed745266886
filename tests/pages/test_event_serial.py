"""One press, one serial: whatever happens to the page, the tab, the network or the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.event_page import (
    OF_APPLY,
    EventPage,
    apply,
    arrive,
    coupon,
    first_only,
    given,
    new_id,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page, Request, Route

    from tests.support.pages import Shop


@pytest.fixture
def campaign_id(shop: Shop) -> str:
    """A campaign that is open, of which another person has serial 1."""
    name = new_id()
    shop.create(name)
    assert apply(shop, name, "other").body["serial"] == 1
    return name


def test_pressed_twice_it_sends_one_request_and_shows_the_serial(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one) if one.url.endswith("/apply") else None)
    one = arrive(page, campaign_id)
    one.button.dblclick()
    assert one.serial == 2
    assert len(sent) == 1
    assert given(shop, campaign_id) == 2


def test_the_button_is_off_while_a_request_runs(page: Page, campaign_id: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(OF_APPLY, hold)
    one = arrive(page, campaign_id)
    one.button.press("Enter")
    expect(one.button).to_have_attribute("aria-disabled", "true")
    for _ in range(3):
        one.button.press("Enter")  # it keeps the focus, and does nothing
    until(page, lambda: held, "the request")
    held[0].continue_()
    assert one.serial == 2
    assert len(held) == 1


def test_the_code_comes_by_itself_and_is_the_services(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    user = new_id()
    one = arrive(page, campaign_id, user)
    one.button.click()
    assert one.serial == 2
    assert one.code == coupon(shop, campaign_id, user).body["code"]
    expect(page.locator("#qr svg")).to_be_visible()
    expect(page.locator("#coupon-state")).to_have_text("Ready to use")


def test_a_reload_shows_the_same_serial_and_code(page: Page, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    one.button.click()
    serial, code = one.serial, one.code
    page.reload()
    assert (one.serial, one.code) == (serial, code)


def test_a_reload_while_the_request_runs_shows_the_same_serial(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    user = new_id()
    one = arrive(page, campaign_id, user)
    answered = first_only(page, OF_APPLY, lambda route: route.fetch())  # and the answer is kept
    one.button.press("Enter")
    until(page, lambda: answered and given(shop, campaign_id) == 2, "the serial is given")
    page.reload()
    assert one.serial == coupon(shop, campaign_id, user).body["serial"] == 2


def test_a_second_tab_shows_the_same_serial_as_soon_as_one_has_it(
    open_context: Callable[[], BrowserContext], campaign_id: str
) -> None:
    context, user = open_context(), new_id()
    first = arrive(context.new_page(), campaign_id, user)
    second = arrive(context.new_page(), campaign_id, user)
    first.button.click()
    assert first.serial == second.serial == 2
    assert first.code == second.code


def test_another_browser_of_the_same_person_shows_the_same_serial(
    open_context: Callable[[], BrowserContext], campaign_id: str
) -> None:
    user = new_id()
    one = arrive(open_context().new_page(), campaign_id, user)
    other = arrive(open_context().new_page(), campaign_id, user)
    one.button.click()
    other.button.click()
    assert one.serial == other.serial == 2


def test_offline_and_back_the_page_sends_by_itself(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    page.context.set_offline(True)
    one.button.press("Enter")
    one.says("OFFLINE")
    page.context.set_offline(False)
    assert one.serial == 2
    assert given(shop, campaign_id) == 2


def test_offline_after_the_win_the_page_keeps_the_answer(page: Page, campaign_id: str) -> None:
    one = arrive(page, campaign_id)
    one.button.click()
    serial, code = one.serial, one.code
    page.context.set_offline(True)
    one.look_again()
    page.context.set_offline(False)
    assert (one.serial, one.code) == (serial, code)


def test_an_answer_that_is_lost_on_its_way_is_asked_for_again(
    page: Page, shop: Shop, campaign_id: str
) -> None:
    user = new_id()
    one = arrive(page, campaign_id, user)

    def lose(route: Route) -> None:
        assert route.fetch().status == 202  # the service has given a serial
        route.abort("connectionreset")

    seen = first_only(page, OF_APPLY, lose)
    one.button.press("Enter")
    assert one.serial == coupon(shop, campaign_id, user).body["serial"] == 2
    assert given(shop, campaign_id) == 2
    assert len(seen) > 1 or one.code


def test_an_answer_that_is_lost_from_the_last_coupon_is_never_sold_out(
    page: Page, shop: Shop
) -> None:
    campaign_id, user = new_id(), new_id()
    shop.create(campaign_id, quantity=1)
    one = arrive(page, campaign_id, user)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    first_only(page, OF_APPLY, lose)
    one.button.press("Enter")
    assert one.serial == 1


def test_who_signs_in_as_another_person_sees_nothing_of_the_first(
    page: Page, campaign_id: str
) -> None:
    one = arrive(page, campaign_id)
    one.button.click()
    code = one.code
    page.locator("#who button").click()
    expect(page.locator("#coupon")).to_be_hidden()
    one.sign_in(new_id())
    expect(one.button).to_have_attribute("data-does", "press")
    assert code not in page.content()


def test_a_page_opened_anew_shows_the_serial_after_the_sign_in(
    open_context: Callable[[], BrowserContext], shop: Shop, campaign_id: str
) -> None:
    user = new_id()
    assert apply(shop, campaign_id, user).body["serial"] == 2
    page = EventPage(open_context().new_page(), campaign_id).open()
    expect(page.page.locator("#coupon")).to_be_hidden()
    page.sign_in(user)
    assert page.serial == 2
