"""The way back from the issuer: to the page that began the sign-in, and to no other place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.signing_in import (
    CONSOLE,
    EVENT,
    PENDING,
    begin,
    fill_in,
    sign_in_at_keycloak,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.signing_in import OidcShop

FOREIGN_PATHS = (
    "https://shop.example/",
    "//shop.example/",
    "/\\shop.example",
    "\\\\shop.example",
    "javascript:alert(1)",
    "/signed-in",
    "events/try-out",
    "",
    None,
    7,
)


@pytest.fixture
def locale() -> str:
    return "en-US"


@pytest.fixture
def page(browser: Browser, oidc_shop: OidcShop, locale: str) -> Iterator[Page]:
    """A page without a watch: a browser writes an error for each request that fails."""
    context = browser.new_context(base_url=oidc_shop.address, locale=locale)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("locale", "said", "way_on"),
    [
        ("ko-KR", "이 창에서 시작되지 않았거나", "페이지로 돌아가기"),
        ("en-US", "not started in this tab", "Back to the page"),
    ],
)
@pytest.mark.usefixtures("locale")
def test_an_answer_with_another_state_is_refused(
    page: Page, oidc_shop: OidcShop, said: str, way_on: str
) -> None:
    begin(page, oidc_shop)
    expect(page.locator("#kc-login")).to_be_visible()
    [state] = parse_qs(urlsplit(page.url).query)["state"]
    page.goto(f"/signed-in?code=stolen&state=x{state}")
    assert page.url == f"{oidc_shop.address}/signed-in"
    expect(page.get_by_role("alert")).to_contain_text(said)
    page.get_by_role("link", name=way_on).click()
    expect(page.locator("body[data-state=out]")).to_be_attached()
    assert page.url == oidc_shop.address + EVENT


def test_an_answer_to_no_question_is_refused(page: Page, oidc_shop: OidcShop) -> None:
    for query in (
        "",
        "?code=a",
        "?state=",
        "?state=.",
        "?state=a.%21&code=b",
        "?state=a.YQ&code=b",
    ):
        page.goto(f"{oidc_shop.address}/signed-in{query}")
        expect(page.get_by_role("alert")).to_contain_text("not started in this tab")
        expect(page.get_by_role("link")).to_have_count(0)


def test_a_tab_that_did_not_begin_the_sign_in_gets_no_token_and_the_way_back(
    page: Page, oidc_shop: OidcShop
) -> None:
    begin(page, oidc_shop)
    expect(page.locator("#kc-login")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    fill_in(other, "buyer")
    expect(other.get_by_role("alert")).to_contain_text("not started in this tab")
    other.get_by_role("link", name="Back to the page").click()
    expect(other.locator("body[data-state=out]")).to_be_attached()


def arrive_with(page: Page, shop: OidcShop, path: object) -> None:
    """Come back from the issuer to a tab whose record names that path as the way back."""
    record = json.dumps({"kind": "in", "state": "s", "path": path})
    page.goto(f"{shop.address}/signed-in")
    page.evaluate(f"(record) => sessionStorage.setItem('{PENDING}', record)", record)
    page.goto(f"{shop.address}/signed-in?state=s&code=c")


def test_no_address_but_one_of_our_own_is_gone_back_to(page: Page, oidc_shop: OidcShop) -> None:
    for path in FOREIGN_PATHS:
        arrive_with(page, oidc_shop, path)
        expect(page.get_by_role("alert")).to_contain_text("not one of this site")
        assert page.url == f"{oidc_shop.address}/signed-in"


def test_a_path_that_turns_into_another_host_stays_a_path_of_ours(
    page: Page, oidc_shop: OidcShop
) -> None:
    arrive_with(page, oidc_shop, "/.//shop.example/")
    page.wait_for_url(f"{oidc_shop.address}//shop.example/")


def test_a_sign_out_is_over_also_where_the_issuer_does_not_name_it(
    page: Page, oidc_shop: OidcShop
) -> None:
    record = json.dumps({"kind": "out", "state": "s", "path": CONSOLE})
    page.goto(f"{oidc_shop.address}/signed-in")
    page.evaluate(f"(record) => sessionStorage.setItem('{PENDING}', record)", record)
    page.goto(f"{oidc_shop.address}/signed-in")
    page.wait_for_url(oidc_shop.address + CONSOLE)
    assert page.evaluate(f"sessionStorage.getItem('{PENDING}')") is None


def test_back_from_the_issuers_form_leads_to_a_page_that_can_go_there_again(
    page: Page, oidc_shop: OidcShop
) -> None:
    begin(page, oidc_shop, CONSOLE)
    expect(page.locator("#kc-login")).to_be_visible()
    page.go_back()
    expect(page.locator("body[data-state=out]")).to_be_attached()
    sign_in_at_keycloak(page, "manager")
