"""The event page for everybody: any language, any device, any way to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.axe import findings
from tests.support.event_page import EventPage, apply, arrive, change, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

    from tests.support.pages import Shop

HOSTILE = "<img src=x onerror=\"document.title='hurt'\"><script>alert(1)</script>&amp;{user}"
BENEFIT = {
    "kind": "amount",
    "value": 5000,
    "currency": "KRW",
    "minimum_order": 20000,
    "note": "한 번만\n쓸 수 있습니다",
}
NARROW = {"width": 360, "height": 640}
# Of WCAG 2.2, 2.5.8: the smallest target.
TARGET_PX = 24


def is_narrow(page: Page) -> bool:
    """Return whether nothing is wider than the window."""
    script = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(page.evaluate(script))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_axe_finds_nothing_from_the_waiting_to_the_give_back(
    open_context: Callable[..., BrowserContext], shop: Shop, language: str, scheme: str
) -> None:
    waiting, campaign_id = new_id(), new_id()
    shop.create(waiting, opens_in_s=3600, benefit=BENEFIT, time_zone="Asia/Seoul")
    shop.create(campaign_id, benefit=BENEFIT, usable_days=30)
    page = open_context(color_scheme=scheme, viewport=NARROW).new_page()
    found = {}
    EventPage(page, waiting, language).open()
    found["waiting"] = findings(page)
    one = EventPage(page, campaign_id, language).open()
    one.sign_in(new_id())
    found["open"] = findings(page)
    one.button.click()
    assert one.code
    found["won"] = findings(page)
    page.locator("#give-back").click()
    found["dialog"] = findings(page)
    page.locator("#give-back-yes").click()
    found["refused"] = findings(page)
    assert found == {place: [] for place in found}
    assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_refusal(
    open_context: Callable[..., BrowserContext], shop: Shop, scheme: str
) -> None:
    sold_out, paused = new_id(), new_id()
    shop.create(sold_out, quantity=1)
    apply(shop, sold_out, "other")
    shop.create(paused)
    change(shop, paused, paused=True)
    page = open_context(color_scheme=scheme).new_page()
    arrive(page, sold_out).says("SOLD_OUT")
    assert findings(page) == []
    EventPage(page, paused).open().says("PAUSED")
    assert findings(page) == []
    page.goto(f"/events/{new_id()}?lang=en")
    expect(page.locator("#loading")).to_contain_text("no such event")
    assert findings(page) == []


def test_control_axe_notices_a_button_without_a_name(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id)
    EventPage(page, campaign_id).open()
    # A button of its own: the page writes the text of its button again and again.
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(finding.startswith("button-name") for finding in findings(page))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_on_360_px_nothing_is_cut_off_or_scrolls_sideways(
    open_context: Callable[..., BrowserContext], shop: Shop, language: str
) -> None:
    campaign_id = new_id()
    long = {"kind": "gift", "note": "W" * 300}
    shop.create(campaign_id, quantity=10_000_000, benefit=long, opens_in_s=5)
    page = open_context(viewport=NARROW, has_touch=True, is_mobile=True).new_page()
    one = EventPage(page, campaign_id, language).open()
    assert is_narrow(page)
    one.sign_in("u" * 64)
    assert is_narrow(page)
    one.button.tap()
    assert one.code
    assert is_narrow(page)
    page.locator("#give-back").tap()
    assert is_narrow(page)
    boxes = [
        box
        for one in page.locator("button:visible, a:visible").all()
        if (box := one.bounding_box())
    ]
    assert all(min(box["width"], box["height"]) >= TARGET_PX for box in boxes)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"] for box in boxes)


def test_a_name_full_of_html_stays_text(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    benefit = BENEFIT | {"note": HOSTILE}
    eligibility = {"claim": HOSTILE[:128], "equals": HOSTILE}
    shop.create(campaign_id, name=HOSTILE, benefit=benefit, eligibility=eligibility)
    EventPage(page, campaign_id).open()
    expect(page.locator("#name")).to_have_text(HOSTILE)
    expect(page.locator("#note")).to_have_text(HOSTILE)
    assert page.title() == HOSTILE
    assert page.locator("main img, main script").count() == 0


def test_with_the_keyboard_alone_from_the_sign_in_to_giving_back(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id)
    one = EventPage(page, campaign_id).open()
    keys = page.keyboard

    def tab_to(selector: str) -> None:
        for _ in range(12):
            if page.locator(selector).evaluate("one => one === document.activeElement"):
                return
            keys.press("Tab")
        message = f"no way to {selector}"
        raise AssertionError(message)

    tab_to("#press")
    keys.press("Enter")
    expect(page.locator("dialog[open] input[name=username]")).to_be_focused()
    keys.type(new_id())
    keys.press("Enter")
    expect(one.button).to_be_focused()
    expect(one.button).to_have_attribute("data-does", "press")
    keys.press("Space")
    assert one.code
    tab_to("#copy")
    keys.press("Enter")
    expect(page.locator("#copied")).not_to_be_empty()
    tab_to("#give-back")
    keys.press("Enter")
    expect(page.locator("#give-back-typed")).to_be_focused()
    keys.press("Escape")
    expect(page.locator("#give-back-dialog")).to_be_hidden()
    expect(page.locator("#give-back")).to_be_focused()
    keys.press("Enter")
    keys.type("1")
    keys.press("Enter")
    one.says("GIVEN_BACK")
    expect(one.button).to_be_focused()


def test_what_happens_is_said_to_a_screen_reader(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=4)
    one = arrive(page, campaign_id)
    expect(page.locator("#announce")).to_have_text("It is open. You can press the button.")
    one.button.click()
    assert one.code
    for place in ("#message", "#coupon-message", "#announce", "#copied"):
        assert page.locator(place).get_attribute("role") == "status"
    # It changes each second: a reader is not made to say it.
    assert page.locator("#countdown").get_attribute("role") == "timer"


def test_the_language_is_the_browsers_and_a_link_changes_it(
    open_context: Callable[..., BrowserContext], shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id)
    page = open_context(locale="ko-KR").new_page()
    page.goto(f"/events/{campaign_id}")
    expect(page.locator("#rules-title")).to_have_text("이벤트 안내")
    page.locator("a[data-language=en]").click()
    expect(page.locator("#rules-title")).to_have_text("About this event")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize(
    ("benefit", "shown"),
    [
        ({"kind": "percent", "value": 12.5}, "12.5% off"),
        ({"kind": "amount", "value": 5000, "currency": "KRW"}, "₩5,000 off"),
        ({"kind": "amount", "value": 4.5, "currency": "EUR"}, "€4.50 off"),
        ({"kind": "gift", "value": 30, "currency": "USD"}, "A gift worth $30"),
        ({"kind": "gift"}, "A gift"),
        (None, "A coupon"),
    ],
)
def test_the_page_says_what_the_coupon_is_worth(
    page: Page, shop: Shop, benefit: dict[str, Any] | None, shown: str
) -> None:
    campaign_id = new_id()
    more: dict[str, Any] = {"benefit": benefit} if benefit else {}
    shop.create(campaign_id, **more)
    EventPage(page, campaign_id).open()
    expect(page.locator("#benefit")).to_have_text(shown)


def test_times_are_those_of_the_campaigns_zone(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    window: dict[str, Any] = {
        "opens_at": "2030-01-01T00:00:00.000Z",
        "closes_at": "2030-01-02T00:00:30.000Z",
    }
    use: dict[str, Any] = {
        "usable_from": "2030-01-03T15:00:00.000Z",
        "usable_until": "2030-02-01T00:00:00.000Z",
    }
    shop.create(campaign_id, time_zone="Europe/Berlin", **window, **use)
    EventPage(page, campaign_id).open()
    facts = page.locator("#facts").inner_text()
    assert "Tue, Jan 1, 2030, 01:00" in facts
    assert "Wed, Jan 2, 2030, 01:00:30" in facts
    assert "Thu, Jan 3, 2030, 16:00" in facts
    assert "Fri, Feb 1, 2030, 01:00" in facts
    expect(page.locator("#terms")).to_contain_text("Times are those of Europe/Berlin.")


def test_without_motion_nothing_moves(
    open_context: Callable[..., BrowserContext], shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id)
    seen = {}
    for motion in ("reduce", "no-preference"):
        page = open_context(reduced_motion=motion).new_page()
        EventPage(page, campaign_id).open()
        script = "one => getComputedStyle(one).transitionDuration"
        seen[motion] = page.locator("#press").evaluate(script)
    assert seen["reduce"] == "0s"
    assert seen["no-preference"] != "0s"


def test_the_policy_of_the_page_forbids_code_in_texts(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id)
    answer = page.goto(f"/events/{campaign_id}")
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
