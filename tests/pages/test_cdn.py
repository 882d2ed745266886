"""The pages as files of another origin: the service answers them where it allows that origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from handlers.edge.http.cors import cors_headers
from local import pages
from tests.e2e.conftest import gateway
from tests.support.event_page import arrive
from tests.support.static_site import static_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.pages import Shop
    from tests.support.static_site import StaticSite

READ = """async ([url, method, headers]) => {
  try {
    const answer = await fetch(url, {method, headers});
    return [answer.status, answer.headers.get("ETag"), (await answer.json()).code ?? null];
  } catch (error) { return String(error); }
}"""


@pytest.fixture(scope="module")
def api(shop: Shop, site: StaticSite) -> Iterator[str]:
    """A gateway of the same service, which the site's pages may call."""
    allowing = {**shop.environment, "ALLOWED_ORIGINS": site.address}
    with gateway(allowing) as client:
        yield f"http://127.0.0.1:{client.port}"


@pytest.fixture(scope="module")
def site() -> Iterator[StaticSite]:
    with static_site() as found:
        yield found


@pytest.fixture
def published(site: StaticSite, api: str, shop: Shop, tmp_path: Path) -> StaticSite:
    """The site with the pages that call this gateway."""
    out = tmp_path / "web"
    assert pages.main(["--out", str(out), "--api", api], shop.environment) == 0
    site.publish(out)
    return site


@pytest.fixture
def allowed_origins(site: StaticSite, api: str) -> set[str]:
    return {site.address, api}


@pytest.fixture
def browser_options(site: StaticSite) -> dict[str, Any]:
    return {"base_url": site.address}


@pytest.fixture
def unwatched(browser: Browser, published: StaticSite) -> Iterator[Page]:
    """A page of the site in which calls may be refused: Chromium says so on the console."""
    context = browser.new_context(base_url=published.address)
    page = context.new_page()
    page.goto("/signed-in")
    yield page
    context.close()


@pytest.mark.usefixtures("published")
def test_a_person_takes_part_on_pages_of_another_origin(page: Page, campaign_id: str) -> None:
    event = arrive(page, campaign_id)
    event.button.press("Enter")
    assert event.serial == 1
    code = event.code
    page.reload()
    assert event.code == code


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("path", ["/events/welcome", "/console", "/docs", "/signed-in"])
def test_every_page_opens_from_another_origin(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.locator("main").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_a_page_reads_answers_and_refusals_of_a_service_that_allows_it(
    unwatched: Page, api: str, campaign_id: str
) -> None:
    status, etag, _ = unwatched.evaluate(READ, [f"{api}/campaigns/{campaign_id}", "GET", {}])
    assert status == 200
    assert etag.startswith('"1-')
    preflighted = {"Authorization": "Bearer none", "If-Match": '"1"'}
    for method, path, expected in (
        ("PATCH", f"/campaigns/{campaign_id}", [401, None, "UNAUTHENTICATED"]),
        ("DELETE", f"/campaigns/{campaign_id}/coupon", [401, None, "UNAUTHENTICATED"]),
        # Without a preflight, which these would not pass.
        ("GET", "/nothing", [404, None, "NOT_FOUND"]),
        ("POST", "/health", [405, None, "METHOD_NOT_ALLOWED"]),
    ):
        headers = preflighted if expected[0] == 401 else {}
        assert unwatched.evaluate(READ, [f"{api}{path}", method, headers]) == expected


def test_a_date_of_retry_after_is_compared_with_the_servers_own(
    unwatched: Page, api: str, site: StaticSite
) -> None:
    headers = {
        "Date": "Sun, 22 Nov 2026 03:00:00 GMT",
        "Retry-After": "Sun, 22 Nov 2026 03:00:07 GMT",
        **cors_headers({site.address}, site.address),
    }
    unwatched.route(
        f"{api}/health", lambda route: route.fulfill(status=503, headers=headers, json={})
    )
    read = """async () => {
      const { call } = await import(document.querySelector("link[href$='api.js']").href);
      return (await call("GET", "/health")).retryAfterMs;
    }"""
    unwatched.goto("/events/welcome")
    assert unwatched.evaluate(read) == 7000


def test_a_page_reads_nothing_of_a_service_that_does_not_allow_it(
    unwatched: Page, published: StaticSite, shop: Shop, tmp_path: Path
) -> None:
    # Its policy lets the page call this service; it is the service that does not allow it.
    out = tmp_path / "other"
    assert pages.main(["--out", str(out), "--api", shop.address], shop.environment) == 0
    published.publish(out)
    unwatched.goto("/console")
    found = unwatched.evaluate(READ, [f"{shop.address}/health", "GET", {}])
    assert found == "TypeError: Failed to fetch"
