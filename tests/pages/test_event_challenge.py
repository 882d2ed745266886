"""The work of a challenge: done beside the page, shown, stopped, and done before the opening."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.event_page import OF_APPLY, arrive, first_only, given, new_id, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route

    from tests.support.pages import Shop

OF_CHALLENGE = "**/challenge"
QUICK, ENDLESS = {"max_number": 20_000}, {"max_number": 10_000_000}
SOLUTION = "challenge-solution"


def open_campaign(shop: Shop, **more: object) -> str:
    campaign_id = new_id()
    shop.create(campaign_id, **more)  # type: ignore[arg-type]
    return campaign_id


def test_the_page_solves_the_challenge_and_gets_the_coupon(page: Page, shop: Shop) -> None:
    one = arrive(page, open_campaign(shop, challenge=QUICK))
    expect(page.locator("#terms")).to_contain_text("a short piece of work")
    with page.expect_request(OF_APPLY) as sent:
        one.button.press("Enter")
    solution = json.loads(base64.b64decode(sent.value.headers[SOLUTION]))
    assert solution["algorithm"] == "SHA-256"
    assert one.serial == 1


def test_the_work_is_shown_and_can_be_stopped(page: Page, shop: Shop) -> None:
    campaign_id = open_campaign(shop, challenge=ENDLESS)
    one = arrive(page, campaign_id)

    def hopeless(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"challenge": "0" * 64})

    page.route(OF_CHALLENGE, hopeless)
    one.button.press("Enter")
    expect(one.button).to_have_text("Checking your device…")
    expect(page.locator("#work-label")).to_have_text(re.compile(r"work\. [1-9]\d?%"))
    page.locator("#stop").click()
    expect(page.locator("#work")).to_be_hidden()
    expect(one.button).to_have_attribute("data-does", "press")
    until(page, lambda: page.workers == [], "the workers end")
    assert given(shop, campaign_id) == 0


def test_a_solution_that_is_refused_is_followed_by_another_one(page: Page, shop: Shop) -> None:
    one = arrive(page, open_campaign(shop, challenge=QUICK))

    def spoil(route: Route) -> None:
        route.continue_(headers=route.request.headers | {SOLUTION: "bm90aGluZw=="})

    seen = first_only(page, OF_APPLY, spoil)
    one.button.press("Enter")
    assert one.serial == 1
    assert len(seen) == 2


def test_a_challenge_that_the_page_did_not_know_of_is_solved(page: Page, shop: Shop) -> None:
    campaign_id = open_campaign(shop, challenge=QUICK)

    def hide(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        del body["challenge"]
        route.fulfill(response=answer, json=body)

    page.route(re.compile(rf"/campaigns/{campaign_id}$"), hide)
    one = arrive(page, campaign_id)
    one.button.press("Enter")
    assert one.serial == 1


def test_the_work_is_done_before_the_opening(page: Page, shop: Shop) -> None:
    order: list[str] = []

    def note(one: Request) -> None:
        order.append(one.url.rsplit("/", 1)[1])

    page.on("request", note)
    one = arrive(page, open_campaign(shop, challenge=QUICK, opens_in_s=8))
    until(page, lambda: "challenge" in order, "the challenge is fetched before the press")
    assert "apply" not in order
    expect(one.button).to_have_attribute("data-phase", "OPEN")
    one.button.press("Enter")
    assert one.serial == 1
    assert order.count("challenge") == 1


def test_a_browser_without_such_workers_says_what_to_do(page: Page, shop: Shop) -> None:
    one = arrive(page, open_campaign(shop, challenge=QUICK))
    page.route("**/event/solver.js", lambda route: route.abort())
    one.button.press("Enter")
    expect(one.says("CHALLENGE_UNSOLVED")).to_contain_text("another one")
    expect(one.button).to_have_attribute("data-does", "press")
