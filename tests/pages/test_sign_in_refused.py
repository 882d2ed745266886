"""What goes wrong between the page, the issuer and the service has a text and a way on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.signing_in import (
    ASKING,
    EVENT,
    FOREIGN,
    UNHEARD,
    begin,
    change_record,
    change_sign_in,
    expect_problem,
    fill_in,
    open_try_out,
    sign_in_at_keycloak,
    use_client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from tests.support.signing_in import OidcShop

SIGNED_IN = "body[data-state=in]"
TOKEN_ENDPOINT = re.compile(r"/protocol/openid-connect/token$")
DISCOVERY = re.compile(r"/\.well-known/openid-configuration$")


@pytest.fixture
def page(browser: Browser, oidc_shop: OidcShop) -> Iterator[Page]:
    """A page without a watch: a browser writes an error for each request that fails."""
    context = browser.new_context(base_url=oidc_shop.address, locale="en-US")
    yield context.new_page()
    context.close()


def test_a_person_who_says_no_at_the_issuer_reads_that_it_was_cancelled(
    page: Page, oidc_shop: OidcShop
) -> None:
    use_client(page, ASKING)
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    page.locator("#kc-cancel").click()
    expect_problem(page, "The sign-in was cancelled")
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, "buyer")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()


def test_an_id_token_with_another_nonce_is_refused(page: Page, oidc_shop: OidcShop) -> None:
    change_record(page, nonce="another")
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    expect_problem(page, "not started in this tab")


def test_a_wrong_code_verifier_is_refused_by_the_issuer(page: Page, oidc_shop: OidcShop) -> None:
    change_record(page, verifier="a" * 43)
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    expect_problem(page, "it was used already")


def test_a_code_that_was_used_already_is_refused(page: Page, oidc_shop: OidcShop) -> None:
    statuses: list[int] = []

    def twice(route: Route) -> None:
        statuses.append(route.fetch().status)
        answer = route.fetch()
        statuses.append(answer.status)
        route.fulfill(response=answer)

    page.context.route(TOKEN_ENDPOINT, twice)
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    expect_problem(page, "it was used already")
    assert statuses == [200, 400]
    page.context.unroute(TOKEN_ENDPOINT)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(SIGNED_IN)).to_be_attached()


def test_an_issuer_without_a_connection_is_named_and_a_later_press_works(
    page: Page, oidc_shop: OidcShop
) -> None:
    page.context.route(re.compile(r":\d+/(realms|$)"), _cut_issuer(oidc_shop))
    begin(page, oidc_shop)
    expect_problem(page, "cannot be reached")
    expect_problem(page, urlsplit(oidc_shop.issuer).netloc)
    page.context.unroute_all()
    open_try_out(page, oidc_shop.address, EVENT)
    sign_in_at_keycloak(page, "buyer")


def _cut_issuer(shop: OidcShop) -> Any:
    host = urlsplit(shop.issuer).netloc

    def cut(route: Route) -> None:
        if urlsplit(route.request.url).netloc == host:
            route.abort("connectionrefused")
        else:
            route.fallback()

    return cut


def test_an_issuer_that_does_not_let_us_read_its_answers_is_named(
    page: Page, oidc_shop: OidcShop
) -> None:
    use_client(page, UNHEARD)
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    expect_problem(page, "(CORS)")


def test_a_discovery_document_of_another_issuer_is_refused(page: Page, oidc_shop: OidcShop) -> None:
    def another(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"issuer": "https://evil.example"})

    page.context.route(DISCOVERY, another)
    begin(page, oidc_shop)
    expect_problem(page, "answer is not valid")


def test_an_issuer_that_does_not_know_us_says_so(page: Page, oidc_shop: OidcShop) -> None:
    change_sign_in(page, lambda settings: settings | {"scope": "openid unknown-scope"})
    begin(page, oidc_shop)
    expect_problem(page, "refused this site's request")
    expect_problem(page, "invalid_scope")


def test_a_token_that_no_service_could_read_is_named(page: Page, oidc_shop: OidcShop) -> None:
    def opaque(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"access_token": "opaque"})

    page.context.route(TOKEN_ENDPOINT, opaque)
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    expect_problem(page, "cannot read")


def test_a_token_that_the_service_refuses_ends_in_a_text_and_not_in_a_circle(
    page: Page, oidc_shop: OidcShop
) -> None:
    use_client(page, FOREIGN)
    begin(page, oidc_shop)
    fill_in(page, "buyer")
    expect(page.locator(SIGNED_IN)).to_be_attached()
    answer = page.evaluate(
        """async () => {
            const token = session.token();
            const answer = await fetch("/campaigns/none/coupon", {
                headers: { Authorization: `Bearer ${token}` },
            });
            const again = await session.refused(token, (await answer.json()).detail);
            return [answer.status, again, session.problem.code, session.problem.text, expired];
        }"""
    )
    assert answer[:3] == [401, False, "token_refused"]
    assert "does not accept the token" in answer[3]
    assert answer[4] == 1
    assert page.url == oidc_shop.address + EVENT


def test_a_service_without_a_sign_in_says_so(page: Page, oidc_shop: OidcShop) -> None:
    change_sign_in(page, lambda _: {"kind": "none"})
    begin(page, oidc_shop)
    expect_problem(page, "not set up")


def test_a_browser_that_forbids_storage_is_named(page: Page, oidc_shop: OidcShop) -> None:
    page.context.add_init_script(
        """Storage.prototype.setItem = () => {
            throw new DOMException("forbidden", "SecurityError");
        };"""
    )
    begin(page, oidc_shop)
    expect_problem(page, "blocks this site's storage")
