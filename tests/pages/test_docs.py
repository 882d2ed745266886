"""/docs shows the description of the interface, under a policy without inline styles or scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.http_client import Call

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import OpenContext
    from tests.support.pages import Shop


def test_docs_show_every_call_of_the_description(page: Page, shop: Shop) -> None:
    document = shop.client.send(Call("GET", "/openapi.json")).body
    described = {
        (method.upper(), path)
        for path, operations in (document["paths"] | document["webhooks"]).items()
        for method in operations
        if method in {"get", "post", "put", "patch", "delete"}
    }
    page.goto("/docs")
    expect(page.locator(".opblock")).to_have_count(len(described))
    shown = page.locator(".opblock").evaluate_all(
        """all => all.map(one => [
          one.querySelector(".opblock-summary-method").textContent,
          one.querySelector("[data-path]").dataset.path,
        ])"""
    )
    assert {tuple(one) for one in shown} == described


def test_an_opened_call_breaks_no_policy_and_fits_a_phone_in_the_dark(
    open_context: OpenContext,
) -> None:
    page = open_context(color_scheme="dark", viewport={"width": 360, "height": 800}).new_page()
    answer = page.goto("/docs")
    assert answer
    assert "unsafe" not in answer.headers["content-security-policy"]
    page.locator(".opblock", has_text="/campaigns/{id}/apply").locator("button").first.click()
    expect(page.locator(".responses-table").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    expect(page.locator("html.dark-mode")).to_be_visible()
    # The page reads; it asks for no token and sends no call.
    assert page.locator(".authorize, .try-out").count() == 0
