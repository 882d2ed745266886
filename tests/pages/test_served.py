"""The pages come from the gateway and keep to their policy; what breaks it is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.pages import Watch, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.pages import Shop

PAGES = ("/events/welcome", "/console", "/docs", "/signed-in")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_without_an_error_or_a_foreign_request(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer
    assert answer.status == 200
    expect(page.locator("main").first).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_control_the_watch_notices_what_a_page_must_not_do(browser: Browser, shop: Shop) -> None:
    watch = Watch({shop.address})
    context = browser.new_context(base_url=shop.address)
    watch.over(context)
    page = context.new_page()
    page.goto("/console")
    page.evaluate("document.body.append(document.createElement('style'))")
    page.evaluate("fetch('https://example.com/').catch(() => null)")
    page.evaluate("setTimeout(() => { throw new Error('broken') })")
    page.evaluate("fetch('/web/0123456789abcdef/shared/none.js')")
    page.evaluate("fetch('/campaigns/none')")
    wrong = ("policy violation: connect-src https://example.com", "broken", "none.js")
    until(page, lambda: all(text in "\n".join(watch.found) for text in wrong))
    context.close()
    assert "/campaigns/none" not in "\n".join(watch.found)
