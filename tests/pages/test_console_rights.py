"""Who may not use the console sees nothing of it; nothing is destroyed by a slip."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Page, Route, expect

from tests.support.console_page import ConsolePage, admin_call, crowd, new_id, version_of
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.pages import Shop

HTML_USER = "<img/src=x/onerror=alert(1)>"
HTML_NAME = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def problem(status: int, code: str, **members: str) -> dict[str, Any]:
    body = {"type": "about:blank", "title": "no", "status": status, "detail": "no", "code": code}
    text = json.dumps(body | {"request_id": "1"} | members)
    return {"status": status, "content_type": "application/problem+json", "body": text}


def test_without_the_admin_scope_only_the_person_and_what_is_missing_are_shown(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in("visitor", admin=False)
    for path in ("/campaigns", f"/campaigns/{campaign_id}/coupons", "/failed", "/new"):
        page.evaluate("path => { location.hash = path }", path)
        expect(console.main.locator("h1")).to_have_text("You may not use the console")
        expect(console.main).to_contain_text("visitor")
        expect(console.main).to_contain_text("coupon:admin")
    assert page.locator("#navigation a, #lights li, main a, main button, table").count() == 0
    assert campaign_id not in page.locator("body").inner_text()
    assert console.tokens == set()  # no call was tried with it


def test_a_scope_that_the_service_does_not_accept_any_more_shows_the_same(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in()
    page.route("**/stats", lambda route: route.fulfill(**problem(403, "FORBIDDEN")))
    page.evaluate("path => { location.hash = path }", f"/campaigns/{campaign_id}/live")
    expect(console.main.locator("h1")).to_have_text("You may not use the console")


def test_before_signing_in_nothing_is_shown_and_nothing_is_asked(page: Page, shop: Shop) -> None:
    console = ConsolePage(page).open()
    expect(console.main.locator("h1")).to_have_text("Sign in to run campaigns")
    assert page.locator("#navigation a, #lights li").count() == 0
    asked = {address.removeprefix(shop.address).split("?")[0] for address in console.addresses}
    assert {path for path in asked if not path.startswith("/web/")} == {"/console"}


def test_a_sign_in_that_has_ended_is_said_and_the_place_is_kept(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in()
    refusal = problem(401, "UNAUTHENTICATED")
    page.route("**/stats", lambda route: route.fulfill(**refusal), times=1)
    page.evaluate("path => { location.hash = path }", f"/campaigns/{campaign_id}/live")
    expect(console.main.locator("h1")).to_have_text("Sign in to run campaigns")
    console.main.locator("button.first").click()
    form = page.locator("dialog[open]")
    form.locator("input[name=username]").fill("marketer")
    form.locator("button[type=submit]").click()
    expect(console.tile("given")).to_contain_text("0 of 10")


def test_names_full_of_html_stay_text_on_every_page(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10, name=HTML_NAME)
    [answer] = crowd(shop, campaign_id, iter([HTML_USER]))
    assert answer.status == 202
    path = f"/campaigns/{campaign_id}/coupons"
    eventually(lambda: admin_call(shop, "GET", path).body["coupons"], "the coupon is written")
    console = ConsolePage(page).sign_in()
    row = console.main.locator("tr", has_text=campaign_id)
    expect(row).to_contain_text(HTML_NAME)
    for part in ("live", "changes", "comparison", "events", "coupons"):
        console.go(f"/campaigns/{campaign_id}/{part}")
        expect(console.main.locator("h1")).to_have_text(HTML_NAME)
    console.main.get_by_role("button", name="Show users and codes").click()
    expect(console.main.locator("tbody")).to_contain_text(HTML_USER)
    console.main.locator("tbody button").click()
    expect(console.main.get_by_role("heading", name="Revoke no. 1")).to_be_visible()
    assert page.locator("main img, main script").count() == 0


def test_nothing_is_destroyed_before_its_name_is_typed(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/changes")
    console.change("raise").locator("input").fill("5")
    console.change("extend").locator("input").fill("2027-01-01T00:00:00")
    before = len(console.sent)
    dialog = page.locator("dialog[open]")
    for name in ("raise", "close"):
        console.change(name).locator("button.danger:visible").click()
        go_on = dialog.locator("button[type=submit]")
        expect(go_on).to_be_disabled()
        for typed in ("", "x", campaign_id.upper(), campaign_id[:-1], f" {campaign_id}"):
            dialog.locator("input").fill(typed)
            expect(go_on).to_be_disabled()
        dialog.locator("input").press("Enter")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    assert console.sent[before:] == []
    console.change("raise").locator("button.danger:visible").click()
    console.confirm(campaign_id)
    expect(console.change("raise")).to_contain_text("5 coupons")
    console.change("close").locator("button.danger").click()
    console.confirm(campaign_id)
    expect(console.main.locator(".title .pill")).to_have_text("Ended")
    console.change("archive").locator("button.danger").click()
    expect(dialog.locator("button[type=submit]")).to_be_disabled()
    console.confirm(campaign_id)
    expect(page).to_have_url(re.compile("#/campaigns$"))
    assert admin_call(shop, "GET", f"/campaigns/{campaign_id}").status == 404


def test_a_change_that_comes_second_shows_what_holds_and_is_made_on_that(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/changes")
    expect(console.change("raise")).to_contain_text("10 coupons")
    path, headers = f"/campaigns/{campaign_id}", version_of(shop, campaign_id)
    assert admin_call(shop, "PATCH", path, {"quantity": 20}, **headers).status == 200
    console.change("raise").locator("input").fill("15")
    console.change("raise").get_by_role("button", name="Set the quantity").click()
    expect(console.main.locator(".said[data-mood=bad]").first).to_contain_text("changed elsewhere")
    expect(console.change("raise")).to_contain_text("20 coupons")
    assert admin_call(shop, "GET", path).body["quantity"] == 20
    console.change("raise").locator("input").fill("30")
    console.change("raise").get_by_role("button", name="Set the quantity").click()
    expect(console.change("raise")).to_contain_text("30 coupons")
    assert admin_call(shop, "GET", path).body["quantity"] == 30


def test_a_refused_field_is_named_beside_it(page: Page, shop: Shop) -> None:
    assert shop
    console = ConsolePage(page).sign_in().go("/new")
    main = console.main
    main.get_by_role("button", name="Create the campaign").click()
    expect(main.locator("input[name=id]")).to_be_focused()
    main.locator("input[name=id]").fill(new_id())
    main.locator("input[name=name]").fill("a")
    main.locator("input[name=quantity]").fill("10")
    main.locator("input[name=closes_at]").fill("2020-01-01T00:00:00")
    main.get_by_role("button", name="Create the campaign").click()
    wrong = main.locator(".field", has=page.locator("input[name=closes_at]")).locator(".wrong")
    expect(wrong).to_contain_text("must be later than opens_at")
    expect(main.locator("input[name=closes_at]")).to_have_attribute("aria-invalid", "true")


def test_half_a_currency_is_named_beside_its_field_and_stops_no_preview(
    page: Page, shop: Shop
) -> None:
    assert shop
    main = ConsolePage(page).sign_in().go("/new").main
    main.locator("input[name=id]").fill(new_id())
    main.locator("input[name=name]").fill("a")
    main.locator("input[name=quantity]").fill("10")
    main.locator("select[name=benefit]").select_option("amount")
    main.locator("input[name=benefit_value]").fill("5")
    preview, currency = main.locator(".preview"), main.locator("input[name=currency]")
    currency.fill("us")
    expect(preview.locator(".nothing")).to_contain_text("Currency")
    main.get_by_role("button", name="Create the campaign").click()
    wrong = main.locator(".field", has=page.locator("input[name=currency]")).locator(".wrong")
    expect(wrong).to_contain_text("three letters")
    currency.fill("usd")
    expect(preview.locator("#benefit")).to_contain_text("$5")


def test_a_server_that_does_not_answer_has_a_light_that_says_so(page: Page, shop: Shop) -> None:
    assert shop
    down = problem(503, "UNAVAILABLE", redis="ok", kafka="unavailable", mysql="stale")

    def answer(route: Route) -> None:
        route.fulfill(**down)

    page.route("**/ready", answer)
    ConsolePage(page).sign_in()
    lights = page.locator("#lights")
    expect(lights.locator("[data-server=redis]")).to_have_text("Redisok")
    expect(lights.locator("[data-server=kafka]")).to_have_text("Kafkadown")
    expect(lights.locator("[data-server=mysql]")).to_have_text("MySQLstale")
