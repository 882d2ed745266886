"""The pages as files of another origin: the service answers them where it allows that origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from local import pages
from tests.e2e.conftest import gateway
from tests.support.pages import signed_in
from tests.support.static_site import static_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

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
def allowed_origins(shop: Shop, site: StaticSite, api: str) -> set[str]:
    return {shop.address, site.address, api}


def test_a_person_takes_part_on_pages_of_another_origin(
    page: Page, published: StaticSite, shop: Shop, campaign_id: str
) -> None:
    shop.create(campaign_id)
    page.goto(f"{published.address}/events/{campaign_id}?lang=en")
    page.locator("main button").first.click()
    signed_in(page, f"{campaign_id}-1")
    # The code is there once the consumer has written the coupon.
    expect(page.locator("main")).to_contain_text("1", timeout=30_000)
    mine = f"/campaigns/{campaign_id}/coupon"
    with page.expect_response(lambda answer: mine in answer.url and answer.status == 200):
        page.reload()


def test_every_page_opens_from_another_origin(page: Page, published: StaticSite) -> None:
    for path in ("/events/welcome", "/console", "/docs", "/signed-in"):
        page.goto(published.address + path)
        expect(page.locator("main")).to_be_visible()
        page.wait_for_load_state("networkidle")


def test_a_page_reads_answers_and_refusals_of_a_service_that_allows_it(
    page: Page, published: StaticSite, api: str, shop: Shop, campaign_id: str
) -> None:
    shop.create(campaign_id)
    page.goto(f"{published.address}/signed-in")
    status, etag, _ = page.evaluate(READ, [f"{api}/campaigns/{campaign_id}", "GET", {}])
    assert status == 200
    assert etag.startswith('"1-')
    preflighted = {"Authorization": "Bearer none", "If-Match": '"1"'}
    for method, path, expected in (
        ("PATCH", f"/campaigns/{campaign_id}", [401, None, "UNAUTHENTICATED"]),
        ("DELETE", f"/campaigns/{campaign_id}/coupon", [401, None, "UNAUTHENTICATED"]),
        ("POST", "/nothing", "TypeError: Failed to fetch"),
        ("PUT", "/health", "TypeError: Failed to fetch"),
    ):
        found = page.evaluate(READ, [f"{api}{path}", method, preflighted])
        assert found == expected


def test_a_page_reads_nothing_of_a_service_that_does_not_allow_it(
    page: Page, published: StaticSite, shop: Shop, tmp_path: Path
) -> None:
    out = tmp_path / "other"
    assert pages.main(["--out", str(out), "--api", shop.address], shop.environment) == 0
    published.publish(out)
    config = json.loads((out / "web" / "config.json").read_text("utf-8"))
    assert config["api"] == shop.address
    page.goto(f"{published.address}/signed-in")
    found = page.evaluate(READ, [f"{shop.address}/health", "GET", {}])
    assert found == "TypeError: Failed to fetch"
