"""Takes the pictures of docs/pages.md, over a real burst: `make screenshots`.

pytest collects it only where it is named, and lends it the servers of the other tests.
"""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import expect

from tests.support.console_page import ConsolePage, admin_call, crowd, version_of
from tests.support.http_client import Call
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.pages.conftest import OpenContext
    from tests.support.pages import Shop

FOLDER = ROOT / "docs" / "pages"
WIDE = {"width": 1180, "height": 760}
PHONE = {"width": 390, "height": 760}
# Of flat colors: a picture has a quarter of the bytes, and no eye sees a difference.
COLORS = 256
CAMPAIGN: dict[str, Any] = {
    "name": "Latte for the first snow",
    "benefit": {"kind": "amount", "value": 3000, "currency": "KRW", "minimum_order": 5000},
    "usable_days": 14,
    "time_zone": "Asia/Seoul",
    "rate_per_address": 0,
}
# People a wave, as on a day that begins before the opening of a second release.
WAVES = (60, 150, 420, 700, 520, 330, 190, 90, 40)


def keep(page: Page | Locator, name: str, **options: Any) -> None:
    """Write a picture of what is seen, in few colors."""
    with Image.open(io.BytesIO(page.screenshot(**options))) as picture:
        few = picture.convert("RGB").quantize(
            COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        few.save(FOLDER / f"{name}.png", optimize=True)


def test_pictures_of_the_event_page(open_context: OpenContext, shop: Shop) -> None:
    shop.create("first-snow", 100, 95, **CAMPAIGN)
    page = open_context(viewport=PHONE, locale="ko-KR").new_page()
    page.goto("/events/first-snow")
    expect(page.locator("#countdown")).to_be_visible()
    page.wait_for_load_state("networkidle")
    keep(page, "event-before")
    shop.create("first-snow-open", 100, **CAMPAIGN)
    crowd(shop, "first-snow-open", (f"guest-{n}" for n in range(36)))
    page = open_context(viewport=PHONE, locale="en-US").new_page()
    page.goto("/events/first-snow-open")
    button = page.locator("#press")
    button.click()
    form = page.locator("dialog[open]")
    form.locator("input[name=username]").fill("mina")
    form.locator("button[type=submit]").click()
    expect(button).to_have_attribute("data-does", "press")
    button.click()
    expect(page.locator("#qr svg")).to_be_visible()
    keep(page, "event-won")


def test_pictures_of_the_console(open_context: OpenContext, shop: Shop) -> None:
    shop.create("latte", 1200, -1, **CAMPAIGN)
    page = open_context(reduced_motion="reduce", viewport=WIDE).new_page()
    console = ConsolePage(page).sign_in().go("/campaigns/latte/live")
    expect(console.tile("given")).to_contain_text("0 of 1,200")
    users = itertools.count()
    for people in WAVES:
        crowd(shop, "latte", (f"guest-{n}" for n in itertools.islice(users, people)))
        page.wait_for_timeout(1100)  # the next look of the console
    expect(console.tile("given")).to_contain_text("1,200 of 1,200")
    expect(console.tile("pending")).to_contain_text("none waits")
    page.wait_for_timeout(4000)
    keep(page, "console-live", full_page=True)
    with_history(shop)
    for part in ("changes", "coupons", "comparison"):
        console.go(f"/campaigns/latte/{part}").is_settled()
        if part == "comparison":
            console.main.get_by_role("button", name="Compare").click()
            expect(console.main.get_by_text("Nothing differs.").first).to_be_visible()
            expect(console.main.get_by_role("button", name="Compare")).to_be_enabled()
            page.locator("h1").click()  # no button has the pointer over it
        if part == "changes":
            console.change("close").locator("button.danger").click()
        keep(page, f"console-{part}")
        page.keyboard.press("Escape")


def test_pictures_of_a_new_campaign_and_of_the_docs(open_context: OpenContext, shop: Shop) -> None:
    assert shop
    page = open_context(reduced_motion="reduce", viewport=WIDE, locale="ko-KR").new_page()
    console = ConsolePage(page, "ko").sign_in().go("/new")
    for name, value in (("id", "first-snow-2"), ("name", "첫눈 오는 날 라떼"), ("quantity", "500")):
        console.main.locator(f"input[name={name}]").fill(value)
    console.main.locator("select[name=benefit]").select_option("amount")
    console.main.locator("input[name=benefit_value]").fill("3000")
    expect(console.main.locator(".preview #countdown")).to_be_visible()
    page.locator("h1").first.click()  # no field has the focus
    keep(page, "console-new", full_page=True)
    page = open_context(reduced_motion="reduce", viewport=WIDE).new_page()
    page.goto("/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    page.locator("#operations-tag-Applying").scroll_into_view_if_needed()
    keep(page, "docs")


def with_history(shop: Shop) -> None:
    """Let a shop use some coupons, and an administrator change the campaign."""
    coupons = admin_call(shop, "GET", "/campaigns/latte/coupons?limit=9").body["coupons"]
    for number, coupon in enumerate(coupons[::3]):
        path, body = f"/coupons/{coupon['code']}/redemptions", {"order_id": f"order-{number}"}
        used = shop.client.send(Call("POST", path, "shop", "coupon:redeem", body))
        assert used.status == 201
    later = {"closes_at": "2026-12-24T15:00:00Z"}
    headers = version_of(shop, "latte")
    assert admin_call(shop, "PATCH", "/campaigns/latte", later, **headers).status == 200
