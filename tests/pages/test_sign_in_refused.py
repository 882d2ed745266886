"""What goes wrong between the page, the issuer and the service has a text and a way on."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.signing_in import (
    ASKING,
    CONSOLE,
    EVENT,
    FOREIGN,
    UNHEARD,
    change_sign_in,
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
PENDING = "seonchak.sign-in"
TOKEN_ENDPOINT = re.compile(r"/protocol/openid-connect/token$")
DISCOVERY = re.compile(r"/\.well-known/openid-configuration$")


@pytest.fixture
def locale() -> str:
    return "en-US"


@pytest.fixture
def page(browser: Browser, oidc_shop: OidcShop, locale: str) -> Iterator[Page]:
    """A page without a watch: a browser writes an error for each request that fails."""
    context = browser.new_context(base_url=oidc_shop.address, locale=locale)
    yield context.new_page()
    context.close()


def begin(page: Page, shop: OidcShop, path: str = EVENT) -> None:
    """Open the page and press the button."""
    open_try_out(page, shop.address, path)
    page.get_by_role("button", name="Sign in").click()


def change_record(page: Page, **change: Any) -> None:
    """Change what the tab keeps of the sign-in, before the issuer sends the person back."""
    page.context.add_init_script(
        f"""if (location.pathname === "/signed-in") {{
            const record = JSON.parse(sessionStorage.getItem("{PENDING}"));
            if (record && !record.changed) sessionStorage.setItem("{PENDING}", JSON.stringify(
                {{...record, ...{json.dumps(change)}, changed: true}}));
        }}"""
    )


def expect_problem(page: Page, said: str) -> None:
    """Expect the text, and that signing in can be tried once more."""
    expect(page.locator("#problem")).to_contain_text(said)
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    assert page.evaluate("session.token()") is None


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


@pytest.mark.parametrize("query", ["", "?code=a", "?state=", "?state=.", "?state=a.%21&code=b"])
def test_an_answer_that_nobody_asked_for_is_refused(
    page: Page, oidc_shop: OidcShop, query: str
) -> None:
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


@pytest.mark.parametrize(
    "path",
    [
        "https://shop.example/", "//shop.example/", "/\\shop.example", "\\\\shop.example",
        "javascript:alert(1)", "/signed-in", "events/try-out", "", None, 7,
    ],
)  # fmt: skip
def test_no_address_but_one_of_our_own_is_gone_back_to(
    page: Page, oidc_shop: OidcShop, path: object
) -> None:
    page.goto(f"{oidc_shop.address}/signed-in")
    change_record(page, path=path)
    page.evaluate(
        f"""() => sessionStorage.setItem("{PENDING}",
            JSON.stringify({{kind: "in", state: "s", path: "/console"}}))"""
    )
    page.goto(f"{oidc_shop.address}/signed-in?state=s&code=c")
    expect(page.get_by_role("alert")).to_contain_text("not one of this site")
    assert page.url == f"{oidc_shop.address}/signed-in"


def test_a_path_that_turns_into_another_host_stays_a_path_of_ours(
    page: Page, oidc_shop: OidcShop
) -> None:
    page.goto(f"{oidc_shop.address}/signed-in")
    page.evaluate(
        f"""() => sessionStorage.setItem("{PENDING}",
            JSON.stringify({{kind: "in", state: "s", path: "/.//shop.example/"}}))"""
    )
    page.goto(f"{oidc_shop.address}/signed-in?state=s&code=c")
    page.wait_for_url(f"{oidc_shop.address}//shop.example/")


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


def test_an_issuer_that_does_not_let_us_read_its_answers_is_told_apart(
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


def test_back_from_the_issuers_form_leads_to_a_page_that_can_go_there_again(
    page: Page, oidc_shop: OidcShop
) -> None:
    begin(page, oidc_shop, CONSOLE)
    expect(page.locator("#kc-login")).to_be_visible()
    page.go_back()
    expect(page.locator("body[data-state=out]")).to_be_attached()
    sign_in_at_keycloak(page, "manager")


def test_a_service_without_a_sign_in_says_so(page: Page, oidc_shop: OidcShop) -> None:
    change_sign_in(page, lambda _: {"kind": "none"})
    begin(page, oidc_shop)
    expect_problem(page, "not set up")
