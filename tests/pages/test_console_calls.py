"""How the console asks: not all at once, in order, and on after a refusal that passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.console_page import ConsolePage, admin_call, crowd, new_id
from tests.support.event_page import problem
from tests.support.pages import until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Route

    from tests.support.pages import Shop

LIST = "**/campaigns?limit=50*"
EXPORT = "**/coupons?after=*&limit=10000"
PAGE = 10_000
LOOK = "document.dispatchEvent(new Event('visibilitychange'))"
HEADING = "serial,user_id,code"
LOOKS = 12
# Notes how long each timer of a look waits, in ms.
NOTE_TIMERS = """
window.waits = [];
const { setTimeout: real } = window;
window.setTimeout = (work, ms, ...more) => {
  if (ms >= 2000) window.waits.push(ms);
  return real(work, ms, ...more);
};
"""


def listed(shop: Shop, campaign_id: str, name: str, next_after: str | None) -> dict[str, Any]:
    """Return a page of the list with one campaign, to fulfil a request with."""
    one = admin_call(shop, "GET", f"/campaigns/{campaign_id}").body | {"name": name}
    return {"json": {"campaigns": [one], "next_after": next_after}}


def test_an_older_answer_does_not_replace_the_page_that_was_asked_for_later(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    first = listed(shop, campaign_id, "of the first page", campaign_id)
    second = listed(shop, campaign_id, "of the second page", None)
    held: list[Route] = []
    holds = [False]

    def deal(route: Route) -> None:
        if "after=" in route.request.url:
            route.fulfill(**second)
        elif holds[0]:
            held.append(route)
        else:
            route.fulfill(**first)

    page.route(LIST, deal)
    console = ConsolePage(page).sign_in()
    expect(console.main.get_by_text("of the first page")).to_be_visible()
    holds[0] = True
    page.evaluate(LOOK)
    until(page, lambda: held)
    console.main.get_by_role("button", name="Next page").click()
    expect(console.main.get_by_text("of the second page")).to_be_visible()
    with page.expect_response(LIST):
        held[0].fulfill(**first)
    page.wait_for_load_state("networkidle")
    expect(console.main.get_by_role("button", name="First page")).to_be_visible()
    assert console.main.get_by_text("of the first page").count() == 0
    assert console.main.get_by_text("of the second page").count() == 1


def test_list_and_lights_are_asked_for_at_moments_of_their_own(page: Page, shop: Shop) -> None:
    shop.create(new_id(), 10)
    page.add_init_script(NOTE_TIMERS)
    ConsolePage(page).sign_in()
    for _ in range(LOOKS):
        with page.expect_response(LIST), page.expect_response("**/ready"):
            page.evaluate(LOOK)
    waits = {float(wait) for wait in page.evaluate("window.waits") if wait < 7500}
    for every_ms in (3000, 5000):
        own = {wait for wait in waits if every_ms <= wait < every_ms * 1.5}
        assert len(own) > LOOKS / 2, sorted(waits)


@pytest.mark.parametrize(("code", "status"), [("TOO_MANY_REQUESTS", 429), ("UNAVAILABLE", 503)])
def test_an_export_that_is_asked_to_wait_goes_on_where_it_was(
    page: Page, shop: Shop, tmp_path: Path, code: str, status: int
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    crowd(shop, campaign_id, iter(["one"]))
    full = "\r\n".join([HEADING, *(f"{serial},u,c" for serial in range(1, PAGE + 1))])
    rest = f"{HEADING}\r\n{PAGE + 1},u,c\r\n"
    answers = [
        {"body": full, "content_type": "text/csv"},
        problem(code, status, retry_after_s=1),
        {"body": rest, "content_type": "text/csv"},
    ]
    asked: list[str] = []

    def deal(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        route.fulfill(**answers[len(asked) - 1])

    page.route(EXPORT, deal)
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/coupons")
    with page.expect_download() as download:
        console.main.get_by_role("button", name="Export as CSV").click()
    expect(console.main.get_by_text("10,001 coupons saved.")).to_be_visible()
    file = tmp_path / "export.csv"
    download.value.save_as(file)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert lines == [HEADING, *(f"{serial},u,c" for serial in range(1, PAGE + 2))]
    again = f"after={PAGE}&limit={PAGE}"
    assert asked == [f"after=0&limit={PAGE}", again, again]


def test_an_export_that_is_refused_for_good_says_why(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    page.route(EXPORT, lambda route: route.fulfill(**problem("INVALID_REQUEST", 400)))
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/coupons")
    console.main.get_by_role("button", name="Export as CSV").click()
    expect(console.main.locator(".said[data-mood=bad]")).to_be_visible()
