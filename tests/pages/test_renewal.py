"""The next token: an issuer's module in place of ours says what it is, and when it comes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.event_page import OF_APPLY, EventPage, first_only, new_id, until
from tests.support.signing_in import EVENT, PENDING, open_try_out, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.pages import Shop

OIDC_MODULE = re.compile(r"/web/[0-9a-f]+/shared/oidc\.js$")
REFUSED = {"code": "UNAUTHENTICATED", "detail": "the token has expired", "status": 401}
# Each token is another one, and the service's own.
SCRIPT = """
import { call, Offline } from "./api.js";

window.renewals = 0;
export const finish = () => next();
export async function renew() {
  if (window.isDown) throw new Offline("the issuer");
  window.renewals += 1;
  return next();
}

async function next() {
  const body = { user_id: "kim", scope: `n${window.renewals}` };
  const { token } = (await call("POST", "/sign-in", { body })).body;
  const lifeMs = LIVES[Math.min(window.renewals, LIVES.length - 1)];
  return { token, id: "kim", scopes: [], lifeMs, renewal: "next" };
}
"""


def with_tokens_of(page: Page, path: str, *lives_ms: float | None) -> None:
    """Let the page begin as behind the issuer's answer; lives_ms: of the first token and the next.

    None: the issuer does not say.
    """
    lives = f"const LIVES = {json.dumps(lives_ms)}.map((one) => one ?? NaN);"
    script = {"content_type": "text/javascript; charset=utf-8", "body": lives + SCRIPT}
    page.context.route(OIDC_MODULE, lambda route: route.fulfill(**script))
    settings = {"kind": "oidc", "scope": "openid"}
    page.context.route(
        "**/web/config.json", lambda route: route.fulfill(json={"sign_in": settings})
    )
    record = {"kind": "in", "state": "s", "path": path, "answer": "state=s"}
    begin = f"sessionStorage.setItem({PENDING!r}, {json.dumps(json.dumps(record))})"
    page.add_init_script(begin)


def arrive(page: Page, shop: Shop) -> EventPage:
    """Open the page of a new campaign as a person whose token is a minute old."""
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    with_tokens_of(page, f"/events/{campaign_id}", 3_600_000)
    event = EventPage(page, campaign_id).open()
    expect(event.button).to_have_attribute("data-does", "press")
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 60_000; }")
    return event


def test_the_last_tokens_of_an_issuers_session_are_not_asked_for_again_and_again(
    page: Page, shop: Shop
) -> None:
    with_tokens_of(page, EVENT, 6100, 5900, 5800)
    open_try_out(page, shop.address, EVENT)
    page.wait_for_function("() => window.expired === 1")
    assert page.evaluate("window.renewals") == 1


@pytest.mark.parametrize("life_ms", [None, 0])
def test_a_token_without_an_end_is_refused(page: Page, shop: Shop, life_ms: float | None) -> None:
    with_tokens_of(page, EVENT, life_ms)
    open_try_out(page, shop.address, EVENT)
    settled(page)
    assert page.evaluate("window.session.problem.code") == "issuer_odd"
    assert page.evaluate("window.session.user") is None


def test_an_answer_about_an_older_token_does_not_sign_the_person_out(
    page: Page, shop: Shop
) -> None:
    event = arrive(page, shop)
    held = first_only(page, OF_APPLY, lambda _: None)
    event.button.press("Enter")
    until(page, lambda: held, "the press")
    page.route("**/coupon", lambda route: route.fulfill(status=401, json=REFUSED), times=1)
    with page.expect_response(lambda found: "/coupon" in found.url and found.status != 401):
        event.look_again()
    assert page.evaluate("window.renewals") == 1
    held[0].fulfill(status=401, json=REFUSED)
    assert event.serial == 1


def test_a_press_goes_on_once_a_token_can_be_renewed_again(page: Page, shop: Shop) -> None:
    event = arrive(page, shop)
    page.evaluate("window.isDown = true")
    page.route(OF_APPLY, lambda route: route.fulfill(status=401, json=REFUSED), times=1)
    event.button.press("Enter")
    expect(event.button).to_have_attribute("data-does", "sign_in")
    event.says("UNAUTHENTICATED")
    page.evaluate("() => { window.isDown = false; dispatchEvent(new Event('online')); }")
    assert event.serial == 1
    expect(page.locator("#who")).to_contain_text("kim")
