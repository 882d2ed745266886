"""The event page and the console as they are, with people who sign in at a real issuer."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.signing_in import fill_in, stored

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.support.pages import Shop
    from tests.support.signing_in import OidcShop

TOKEN_ENDPOINT = re.compile(r"/protocol/openid-connect/token$")
REFUSED = {"code": "UNAUTHENTICATED", "detail": "the token has expired", "status": 401}


@pytest.fixture
def browser_options(oidc_shop: OidcShop) -> dict[str, Any]:
    return {"base_url": oidc_shop.address}


@pytest.fixture
def allowed_origins(oidc_shop: OidcShop) -> set[str]:
    return {oidc_shop.address, re.sub(r"/realms/.*", "", oidc_shop.issuer)}


@pytest.fixture
def campaign_id(shop: Shop) -> str:
    found = f"p-{uuid.uuid4().hex[:12]}"
    shop.create(found, 10)
    return found


def open_event(page: Page, campaign_id: str) -> None:
    """Open the event page and sign in at the issuer."""
    page.goto(f"/events/{campaign_id}?lang=en")
    button = page.locator("#press")
    expect(button).to_have_attribute("data-does", "sign_in")
    button.press("Enter")
    fill_in(page, "buyer")
    expect(button).to_have_attribute("data-does", "press")


def test_a_person_signs_in_presses_and_has_a_serial(page: Page, campaign_id: str) -> None:
    open_event(page, campaign_id)
    page.locator("#press").press("Enter")
    expect(page.locator("#serial")).to_have_text("#1")


def test_a_press_with_a_token_that_has_ended_is_made_good_after_signing_in(
    page: Page, campaign_id: str
) -> None:
    def without_renewal(route: Route) -> None:
        answer = route.fetch()
        body = {name: value for name, value in answer.json().items() if name != "refresh_token"}
        route.fulfill(response=answer, json=body)

    page.context.route(TOKEN_ENDPOINT, without_renewal)
    open_event(page, campaign_id)
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 60_000; }")
    page.route("**/apply", lambda route: route.fulfill(status=401, json=REFUSED), times=1)
    button = page.locator("#press")
    button.press("Enter")
    expect(button).to_have_attribute("data-does", "sign_in")
    button.press("Enter")  # the issuer knows the person: it asks nothing
    expect(page.locator("#serial")).to_have_text("#1")


def test_a_press_with_a_token_that_has_ended_is_made_good_by_its_renewal(
    page: Page, campaign_id: str
) -> None:
    open_event(page, campaign_id)
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 60_000; }")
    page.route("**/apply", lambda route: route.fulfill(status=401, json=REFUSED), times=1)
    with page.expect_response(TOKEN_ENDPOINT):
        page.locator("#press").press("Enter")
    expect(page.locator("#serial")).to_have_text("#1")


def sign_in_to_console(page: Page, name: str, address: str = "/console?lang=en") -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, name)
    expect(page.locator("#who")).not_to_be_empty()


def test_an_administrator_sees_the_campaigns_and_is_back_at_the_same_place_after_a_reload(
    page: Page, campaign_id: str
) -> None:
    address = f"/console?lang=en#/campaigns/{campaign_id}/changes"
    sign_in_to_console(page, "manager", address)
    expect(page.locator("main")).to_contain_text(campaign_id)
    assert page.url.endswith(address)
    assert not re.search(r"eyJ[\w-]+\.", stored(page))  # how every JWT begins
    page.reload()
    expect(page.locator("main")).to_contain_text(campaign_id)
    assert page.url.endswith(address)
    expect(page.locator("#who")).not_to_be_empty()


def test_who_is_no_administrator_sees_nothing_of_the_console(page: Page, campaign_id: str) -> None:
    sign_in_to_console(page, "buyer")
    expect(page.locator("#navigation")).to_be_empty()
    expect(page.locator("main")).not_to_contain_text(campaign_id)
