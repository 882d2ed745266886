"""People sign in at a real issuer, Keycloak, and our service takes the token that it gives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.http_client import Call, Client
from tests.support.signing_in import (
    BRIEF,
    CONSOLE,
    EVENT,
    RENEWED,
    fill_in,
    open_try_out,
    settled,
    sign_in_at_keycloak,
    stored,
    token_of,
    use_client,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.signing_in import OidcShop

SIGNED_IN = "body[data-state=in]"
SIGNED_OUT = "body[data-state=out]"
LOGIN_FORM = "#kc-login"


@pytest.fixture
def browser_options(oidc_shop: OidcShop) -> dict[str, Any]:
    return {"base_url": oidc_shop.address}


@pytest.fixture
def allowed_origins(oidc_shop: OidcShop) -> set[str]:
    return {oidc_shop.address, re.sub(r"/realms/.*", "", oidc_shop.issuer)}


def status_with(shop: OidcShop, token: str, method: str, path: str, body: object = None) -> int:
    """Return what the service answers to the token."""
    headers = {"Authorization": f"Bearer {token}"}
    with Client(shop.port) as client:
        return client.send(Call(method, path, body=body, headers=headers)).status


def addresses_of(page: Page) -> list[str]:
    """Return a list that grows by each address that the browser asks for or shows."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    return seen


def test_a_user_signs_in_and_comes_back_to_the_same_place(page: Page, oidc_shop: OidcShop) -> None:
    open_try_out(page, oidc_shop.address, f"{EVENT}?lang=ko&from=mail#rules")
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    sign_in_at_keycloak(page, "buyer")
    assert page.url == f"{oidc_shop.address}{EVENT}?lang=ko&from=mail#rules"
    expect(page.locator("#resume")).to_have_text("pressed")
    token = token_of(page)
    assert status_with(oidc_shop, token, "GET", "/campaigns/none/coupon") == 404
    assert status_with(oidc_shop, token, "GET", "/failed-events") == 403
    assert status_with(oidc_shop, token + "x", "GET", "/campaigns/none/coupon") == 401


def test_an_administrator_gets_the_right_only_on_a_page_that_asks_for_it(
    page: Page, oidc_shop: OidcShop
) -> None:
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "manager")
    assert status_with(oidc_shop, token_of(page), "GET", "/failed-events") == 403
    open_try_out(page, oidc_shop.address, CONSOLE)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#scopes")).to_contain_text("coupon:admin")  # the issuer knows the person
    assert status_with(oidc_shop, token_of(page), "GET", "/failed-events") == 200


def test_who_is_no_administrator_gets_no_right_by_asking(page: Page, oidc_shop: OidcShop) -> None:
    open_try_out(page, oidc_shop.address, CONSOLE)
    sign_in_at_keycloak(page, "buyer")
    expect(page.locator("#scopes")).not_to_contain_text("coupon:admin")
    assert status_with(oidc_shop, token_of(page), "GET", "/failed-events") == 403


def test_the_token_is_in_no_address_and_the_code_in_none_that_stays(
    page: Page, oidc_shop: OidcShop
) -> None:
    seen = addresses_of(page)
    open_try_out(page, oidc_shop.address, CONSOLE)
    sign_in_at_keycloak(page, "manager")
    token = token_of(page)
    parts = token.split(".")
    assert len(parts) == 3
    assert not [address for address in seen if any(part in address for part in parts)]
    with_code = [address for address in seen if "code=" in address]
    assert with_code  # the control: it did come in an address, once
    page.go_back()  # to the issuer, which sends the person on at once
    expect(page.get_by_role("alert")).to_contain_text("it is over already")
    assert page.url == f"{oidc_shop.address}/signed-in"
    page.get_by_role("link", name="Back to the page").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()


def test_the_console_keeps_its_token_in_no_storage(page: Page, oidc_shop: OidcShop) -> None:
    open_try_out(page, oidc_shop.address, CONSOLE)
    sign_in_at_keycloak(page, "manager")
    kept = stored(page)
    assert not [part for part in token_of(page).split(".") if part in kept]
    assert "verifier" not in kept
    assert page.context.cookies(oidc_shop.address + CONSOLE) == [
        cookie
        for cookie in page.context.cookies(oidc_shop.address + CONSOLE)
        if cookie["name"].startswith(("KEYCLOAK", "AUTH_SESSION", "KC_"))
    ]


def test_the_console_is_signed_in_again_by_itself_after_a_reload(
    page: Page, oidc_shop: OidcShop
) -> None:
    open_try_out(page, oidc_shop.address, CONSOLE)
    sign_in_at_keycloak(page, "manager")
    first, length = token_of(page), page.evaluate("history.length")
    page.reload()
    expect(page.locator(SIGNED_IN)).to_be_attached()
    assert token_of(page) != first
    assert page.evaluate("history.length") == length


def test_a_reload_after_the_issuers_session_has_ended_shows_the_page_signed_out(
    page: Page, oidc_shop: OidcShop
) -> None:
    open_try_out(page, oidc_shop.address, CONSOLE)
    sign_in_at_keycloak(page, "manager")
    page.context.clear_cookies()
    page.reload()
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    expect(page.locator("#problem")).to_have_text("")
    seen = addresses_of(page)
    page.reload()  # and it does not ask the issuer again and again
    settled(page)
    assert not [address for address in seen if address.startswith(oidc_shop.issuer)]


def test_the_event_page_keeps_its_token_for_a_reload_and_for_no_other_page(
    page: Page, oidc_shop: OidcShop
) -> None:
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "buyer")
    token = token_of(page)
    assert token in stored(page)  # the control of what the console's test looks for
    seen = addresses_of(page)
    page.reload()
    settled(page)
    assert token_of(page) == token
    assert not [address for address in seen if address.startswith(oidc_shop.issuer)]
    assert "refresh" not in stored(page)
    open_try_out(page, oidc_shop.address, CONSOLE)
    expect(page.locator(SIGNED_OUT)).to_be_attached()


def test_signing_out_ends_the_issuers_session_too(page: Page, oidc_shop: OidcShop) -> None:
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "buyer")
    token = token_of(page)
    seen = addresses_of(page)
    page.get_by_role("button", name="Sign out").click()
    page.locator("#kc-logout").click()  # Keycloak asks, as no token came to it in an address
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    assert page.url == oidc_shop.address + EVENT
    assert token not in "".join(seen)
    assert token.split(".")[1] not in stored(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(LOGIN_FORM)).to_be_visible()


def test_an_expired_token_is_noticed_and_the_press_comes_back_after_signing_in(
    page: Page, oidc_shop: OidcShop
) -> None:
    use_client(page, BRIEF)
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "buyer")
    page.wait_for_function("() => window.expired === 1")
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    assert page.evaluate("session.token()") is None
    page.evaluate("sessionStorage.setItem('draft', 'kept')")
    page.get_by_role("button", name="Sign in").click()  # the issuer asks nothing
    expect(page.locator(SIGNED_IN)).to_be_attached()
    expect(page.locator("#resume")).to_have_text("pressed")


def test_a_token_is_renewed_before_it_ends_and_the_page_stays(
    page: Page, oidc_shop: OidcShop
) -> None:
    use_client(page, RENEWED)
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "buyer")
    first = token_of(page)
    page.evaluate("window.stayed = true")
    page.wait_for_function("(first) => session.token() !== first && session.token()", arg=first)
    assert page.evaluate("window.stayed")
    assert page.evaluate("window.expired") == 0
    assert status_with(oidc_shop, token_of(page), "GET", "/campaigns/none/coupon") == 404


@pytest.mark.parametrize("days", [-1, 1])
def test_the_persons_clock_may_be_wrong_by_a_day(
    page: Page, oidc_shop: OidcShop, days: int
) -> None:
    page.context.add_init_script(
        f"const now = Date.now; Date.now = () => now() + {days * 86_400_000}"
    )
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "buyer")
    assert status_with(oidc_shop, token_of(page), "GET", "/campaigns/none/coupon") == 404


def test_the_whole_way_is_gone_with_the_keyboard_alone(page: Page, oidc_shop: OidcShop) -> None:
    open_try_out(page, oidc_shop.address, EVENT)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type("buyer")
    page.keyboard.press("Tab")
    page.keyboard.type("buyer")
    page.keyboard.press("Enter")
    expect(page.locator(SIGNED_IN)).to_be_attached()


def test_the_id_token_is_sent_where_the_settings_say_so(page: Page, oidc_shop: OidcShop) -> None:
    use_client(page, "seonchak-pages", token="id_token")
    open_try_out(page, oidc_shop.address, EVENT)
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, "buyer")
    expect(page.locator(SIGNED_IN)).to_be_attached()
    claims = page.evaluate(
        """async () => {
            const version = document.querySelector("script[src]").src.split("/")[4];
            const { claimsOf } = await import(`/web/${version}/shared/token_claims.js`);
            return claimsOf(session.token());
        }"""
    )
    assert claims["aud"] == "seonchak-pages"
    assert claims["typ"] == "ID"
