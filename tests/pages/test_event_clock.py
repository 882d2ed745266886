"""The opening by the server's clock, whatever this device's clock says.

The button is live within 200 ms of the opening by Redis's clock. To these the test adds how late
the browser's own timers are while it looks, which is what the machine adds and not the page: a
timer of 10 ms runs beside the page, and its longest gap counts.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from handlers.adapters.redis.client import connect
from handlers.domain import times
from tests.support.event_page import (
    OF_THE_CAMPAIGN,
    EventPage,
    arrive,
    change,
    coupon,
    new_id,
    until,
)
from tests.support.http_client import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page, Request, Route

    from tests.support.pages import Shop

LIVE_WITHIN_MS = 200
TEN_MINUTES_MS = 600_000
# Long enough to open a page and sign in before, on a busy machine; within it the press is kept.
OPENS_IN_S = 9.0
# What the page takes for the server's time.
NOW = "this.#monotonic() + this.#offset()"
# Date is wrong by {offset}; performance, which no setting of a device moves, is as it is.
WRONG_CLOCK = """(() => {{
  const Right = Date;
  window.Date = class extends Right {{
    constructor(...parts) {{ parts.length ? super(...parts) : super(Right.now() + {offset}); }}
    static now() {{ return Right.now() + {offset}; }}
  }};
}})()"""
# Notes when the button became live, in ms since 1970 by the machine's clock, and the longest gap of
# a timer since the second before.
WATCH = """
window.seen = { liveAt: null, gaps: [] };
addEventListener("DOMContentLoaded", () => {
  const now = () => performance.timeOrigin + performance.now();
  let last = now();
  setInterval(() => { window.seen.gaps.push([now(), now() - last]); last = now(); }, 10);
  const button = document.getElementById("press");
  new MutationObserver(() => {
    const isOff = button.getAttribute("aria-disabled") !== "false";
    if (button.dataset.phase === "OPEN" && !isOff) window.seen.liveAt ??= now();
  }).observe(button, { attributes: true });
});
"""


@pytest.fixture
def wrong(open_context: Callable[..., BrowserContext]) -> list[Page]:
    """Pages on two devices: one clock is ten minutes slow, the other fast."""
    pages = []
    for offset in (-TEN_MINUTES_MS, TEN_MINUTES_MS):
        context = open_context()
        context.add_init_script(WRONG_CLOCK.format(offset=offset))
        context.add_init_script(WATCH)
        pages.append(context.new_page())
    return pages


def opening_ms(shop: Shop, campaign_id: str) -> float:
    """Return the opening by this machine's clock, which is read together with Redis's."""
    with closing(connect(shop.settings)) as client:
        before = time.time()
        second, micro = client.time()
        ahead_s = second + micro / 1e6 - (before + time.time()) / 2
    campaign = shop.client.send(Call("GET", f"/campaigns/{campaign_id}")).body
    return times.from_iso(campaign["opens_at"]) - ahead_s * 1000


def lateness_ms(page: Page, opening: float) -> float:
    """Return the longest gap of the page's timers from a second before the opening on."""
    gaps: list[list[float]] = page.evaluate("window.seen.gaps")
    return max(gap for at, gap in gaps if at > opening - 1000)


def test_the_button_is_live_within_200_ms_of_redis_opening(wrong: list[Page], shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=OPENS_IN_S)
    pages = [arrive(page, campaign_id) for page in wrong]
    until(wrong[0], lambda: all(is_live(page) for page in wrong), "both are live")
    opening = opening_ms(shop, campaign_id)
    for one in pages:
        late = one.page.evaluate("window.seen.liveAt") - opening
        early_at_most = float(one.page.locator("#clock").get_attribute("data-error-ms") or 0)
        assert -early_at_most <= late <= LIVE_WITHIN_MS + lateness_ms(one.page, opening)
    pages[0].button.click()
    assert pages[0].serial == 1


def is_live(page: Page) -> bool:
    return bool(page.evaluate("window.seen.liveAt !== null"))


def test_control_a_page_that_asks_the_device_is_not_live_at_the_opening(
    wrong: list[Page], shop: Shop
) -> None:
    def spoil(route: Route) -> None:
        source = route.fetch().text()
        assert NOW in source
        route.fulfill(content_type="text/javascript", body=source.replace(NOW, "Date.now()"))

    slow = wrong[0]
    slow.route("**/shared/clock.js", spoil)
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=1.0)
    one = arrive(slow, campaign_id)
    opening = opening_ms(shop, campaign_id)
    until(slow, lambda: time.time() * 1000 > opening + 1000, "a second after the opening")
    expect(one.button).to_have_attribute("data-phase", "SCHEDULED")


def test_a_press_before_the_opening_is_kept_and_sent_at_it(wrong: list[Page], shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=OPENS_IN_S)
    users, sent = [new_id(), new_id()], Counter[str]()
    pages = [arrive(page, campaign_id, user) for page, user in zip(wrong, users, strict=True)]
    for one, user in zip(pages, users, strict=True):
        one.page.on("request", counting(sent, user))
        expect(one.button).to_have_text("Press now")
        one.button.click()
        expect(one.says("ARMED")).to_contain_text("No need to press again")
        for _ in range(3):
            one.button.press("Enter")
    assert not sent
    assert {one.serial for one in pages} == {1, 2}
    opening = opening_ms(shop, campaign_id)
    campaign = shop.client.send(Call("GET", f"/campaigns/{campaign_id}")).body
    for one, user in zip(pages, users, strict=True):
        admitted_at = times.from_iso(coupon(shop, campaign_id, user).body["admitted_at"])
        late = admitted_at - times.from_iso(campaign["opens_at"])
        assert 0 <= late <= LIVE_WITHIN_MS + lateness_ms(one.page, opening)
    assert sent == dict.fromkeys(users, 1)


def counting(sent: Counter[str], user: str) -> Callable[[Request], None]:
    def count(one: Request) -> None:
        sent.update([user] * one.url.endswith("/apply"))

    return count


def test_the_countdown_is_that_of_the_server(wrong: list[Page], shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=3 * 86_400 + 3725)
    for page in wrong:
        EventPage(page, campaign_id).open()
        expect(page.locator("#countdown")).to_contain_text(re.compile(r"^3 d 01:0[12]:"))
        expect(page.locator("#clock")).to_contain_text("clock, within")


def test_a_press_that_comes_too_early_for_redis_is_sent_again_by_itself(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=OPENS_IN_S)
    outcomes: list[int] = []

    def shift(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        # A cache between them that shows the clock three seconds ahead.
        body["now"] = times.to_iso(times.from_iso(body["now"]) + 3000)
        route.fulfill(response=answer, json=body)

    page.route(OF_THE_CAMPAIGN, shift)
    page.on(
        "response",
        lambda one: outcomes.append(one.status) if one.url.endswith("/apply") else None,
    )
    one = arrive(page, campaign_id)
    one.button.click()
    assert one.serial == 1
    assert outcomes[0] == 409
    assert outcomes[-1] == 202


def test_who_is_not_signed_in_may_sign_in_before_the_opening_and_presses_then(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=3600)
    one = arrive(page, campaign_id)
    expect(one.button).to_have_text("Not open yet")
    expect(one.button).to_have_attribute("aria-disabled", "true")
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one) if one.url.endswith("/apply") else None)
    for _ in range(3):
        one.button.press("Enter")
    change(shop, campaign_id, opens_at=times.to_iso(int(time.time() * 1000) + 1000))
    one.look_again()
    expect(one.button).to_have_attribute("data-does", "press")
    assert sent == []
    one.button.click()
    assert one.serial == 1
