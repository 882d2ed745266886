"""The console can be used by everybody: in both languages, in the dark, on a phone, by keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import findings
from tests.support.console_page import PARTS, ConsolePage, admin_call, crowd, new_id
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pages.conftest import OpenContext
    from tests.support.pages import Shop

LOOKS = [("ko", "dark"), ("en", "light")]


@pytest.fixture
def campaign(shop: Shop) -> str:
    """A campaign with coupons and refusals."""
    campaign_id = new_id()
    shop.create(campaign_id, 3)
    crowd(shop, campaign_id, (f"user-{n}" for n in range(5)))
    path = f"/campaigns/{campaign_id}/coupons"
    eventually(lambda: len(admin_call(shop, "GET", path).body["coupons"]) == 3, "all are written")
    return campaign_id


def pages_of(campaign_id: str) -> Iterator[str]:
    yield from ("/campaigns", "/new", "/failed")
    yield from (f"/campaigns/{campaign_id}/{part}" for part in PARTS)


def fill_in(console: ConsolePage) -> None:
    """Fill in what the preview needs."""
    for name, value in (("id", "coffee"), ("name", "Coffee"), ("quantity", "10")):
        console.main.locator(f"input[name={name}]").fill(value)
    preview = console.main.locator(".preview")
    shown = console.main.get_by_label(re.compile("Show the page|어느 때의"))
    for state, part in (("SOLD_OUT", "#message"), ("COUPON", "#qr"), ("SCHEDULED", "#countdown")):
        shown.select_option(state)
        expect(preview.locator(part)).to_be_visible()


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_axe_finds_nothing_on_any_page(
    open_context: OpenContext, campaign: str, language: str, scheme: str
) -> None:
    # axe itself writes a style into the page, which the policy forbids.
    page = open_context(color_scheme=scheme, bypass_csp=True).new_page()
    console = ConsolePage(page, language).open()
    assert findings(page) == []
    console.sign_in()
    for path in pages_of(campaign):
        console.go(path).is_settled()
        if path == "/new":
            fill_in(console)
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert (path, findings(page)) == (path, [])
    console.go(f"/campaigns/{campaign}/changes")
    console.change("close").locator("button.danger").click()
    assert findings(page) == []


@pytest.mark.parametrize("width", [360, 1920])
def test_no_page_is_wider_than_the_window(
    open_context: OpenContext, campaign: str, width: int
) -> None:
    page = open_context(viewport={"width": width, "height": 800}).new_page()
    console = ConsolePage(page, "ko").sign_in()
    for path in pages_of(campaign):
        console.go(path).is_settled()
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        scrolled = page.evaluate("document.documentElement.scrollWidth")
        assert (path, scrolled) == (path, width)


def test_both_languages_have_the_same_words(page: Page, shop: Shop) -> None:
    assert shop
    ConsolePage(page).open()
    texts = page.evaluate(
        """async () => {
          const own = document.querySelector("script[type=module]").src;
          const { TEXTS } = await import(new URL("texts_ko_en.js", own).href);
          return TEXTS;
        }"""
    )
    assert texts["ko"].keys() == texts["en"].keys()
    assert all(text.strip() for words in texts.values() for text in words.values())


def test_another_language_keeps_the_page_and_the_sign_in(page: Page, campaign: str) -> None:
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign}/changes")
    page.get_by_role("button", name="한국어").click()
    expect(console.change("running").get_by_role("button")).to_have_text("일시 정지")
    assert page.locator("html").get_attribute("lang") == "ko"
    assert page.url.endswith(f"?lang=ko#/campaigns/{campaign}/changes")


def test_the_keyboard_reaches_the_content_first_and_every_action(page: Page, campaign: str) -> None:
    console = ConsolePage(page).open()
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(console.main.get_by_role("button", name="Sign in")).to_be_focused()
    console.sign_in().go(f"/campaigns/{campaign}/changes")
    expect(console.change("rename")).to_be_visible()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent"))
    assert {"Pause", "Set the quantity", "Set the end", "End now", "Set the name"} <= reached
    console.change("close").locator("button.danger").press("Enter")
    expect(page.locator("dialog[open] input")).to_be_focused()
