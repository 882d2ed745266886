"""A marketer's day in the console, from the first campaign to the export, without a terminal."""

from __future__ import annotations

import csv
import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from handlers.adapters.migration.schema import connect as connect_to_mysql
from local.migrate import owner_address
from tests.support.console_page import ConsolePage, admin_call, crowd, new_id
from tests.support.drift import Redis
from tests.support.service import message

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.pages import Shop
    from tests.support.service import Response

QUANTITY, RAISED, PEOPLE = 300, 400, 2000
LATE = "user-late"
# As the redrive leaves a record after its last attempt.
GIVEN_UP = """
INSERT INTO failed_event
    (campaign_id, user_id, payload, topic, partition_no, offset_no,
     reason, detail, attempts, status)
VALUES (%s, %s, %s, 'coupon_create', 9, 9, 'SERIAL_OUT_OF_RANGE', 'above the quantity', 8, 'DEAD')
"""
NAME = "Coffee <b>day</b>"


def test_a_marketer_runs_a_campaign_from_its_creation_to_the_export(
    page: Page, shop: Shop, tmp_path: Path
) -> None:
    console, campaign_id = ConsolePage(page).sign_in(), new_id()
    create_with_a_preview(console, shop, campaign_id)
    extend_pause_and_go_on(console, shop, campaign_id)
    raise_to(console, campaign_id, RAISED)
    answers = watch_the_burst(console, shop, campaign_id)
    code = revoke_one(console, shop, campaign_id, answers)
    redrive_what_was_given_up(console, shop, campaign_id)
    compare_and_repair(console, shop, campaign_id)
    console.go(f"/campaigns/{campaign_id}/events")
    for words in ("Campaign created", "ordered by mistake", "paused: false → true"):
        expect(console.main.locator("tbody")).to_contain_text(words)
    rows = export(console, campaign_id, tmp_path)
    assert {row["serial"] for row in rows} == {str(n + 1) for n in range(RAISED + 1)}
    assert {row["state"] for row in rows if row["code"] == code} == {"REVOKED"}
    token_is_nowhere(console)


def create_with_a_preview(console: ConsolePage, shop: Shop, campaign_id: str) -> None:
    main = console.go("/new").main
    for name, value in (
        ("id", campaign_id),
        ("name", NAME),
        ("quantity", str(QUANTITY)),
        ("opens_at", "2026-01-01T10:00:00"),
        ("closes_at", "2099-01-01T10:00:00"),
    ):
        main.locator(f"input[name={name}]").fill(value)
    main.locator("select[name=benefit]").select_option("amount")
    main.locator("input[name=benefit_value]").fill("3000")
    preview = main.locator(".preview")
    expect(preview.locator("#name")).to_have_text(NAME)
    expect(preview.locator("#benefit")).to_contain_text("₩3,000")
    main.get_by_label("Show the page as it is when").select_option("COUPON")
    expect(preview.locator("#serial")).to_have_text("#1")
    main.locator("summary", has_text="More").click()
    main.locator("input[name=rate_per_address]").fill("0")
    command = console.command(main)
    assert command.startswith(f"curl -X POST '{shop.address}/campaigns' ")
    assert '"benefit":{"kind":"amount","value":3000,"currency":"KRW"}' in command
    main.get_by_role("button", name="Create the campaign").click()
    expect(console.page).to_have_url(re.compile(f"#/campaigns/{campaign_id}$"))
    expect(main.locator(".title h1")).to_have_text(NAME)


def extend_pause_and_go_on(console: ConsolePage, shop: Shop, campaign_id: str) -> None:
    state = console.go(f"/campaigns/{campaign_id}/changes").main.locator(".title .pill")
    console.change("extend").locator("input").fill("2099-06-01T10:00:00")
    console.change("extend").get_by_role("button", name="Set the end").click()
    expect(console.change("extend")).to_contain_text("Jun 1, 2099")
    stored = admin_call(shop, "GET", f"/campaigns/{campaign_id}").body
    assert stored["closes_at"] == "2099-06-01T01:00:00.000Z"
    console.change("running").get_by_role("button", name="Pause").click()
    expect(state).to_have_text("Paused")
    console.change("paused").get_by_role("button", name="Resume").click()
    expect(state).to_have_text("Open")


def raise_to(console: ConsolePage, campaign_id: str, quantity: int) -> None:
    card = console.go(f"/campaigns/{campaign_id}/changes").change("raise")
    card.locator("input").fill(str(quantity))
    assert "-H 'If-Match: " in console.command(card.locator(".action:visible"))
    card.get_by_role("button", name="Set the quantity").click()
    expect(card).to_contain_text(f"{quantity} coupons")


def watch_the_burst(console: ConsolePage, shop: Shop, campaign_id: str) -> list[Response]:
    main = console.go(f"/campaigns/{campaign_id}/live").main
    expect(console.tile("given")).to_contain_text(f"0 of {RAISED}")
    answers = crowd(shop, campaign_id, (f"user-{n}" for n in range(PEOPLE)))
    assert sum(answer.status == 202 for answer in answers) == RAISED
    expect(console.tile("given")).to_contain_text(f"{RAISED} of {RAISED}")
    expect(console.tile("given")).to_contain_text("sold out after")
    expect(main.locator("tr", has_text="SOLD_OUT")).to_contain_text(f"{PEOPLE - RAISED:,}")
    expect(console.tile("admissions")).to_contain_text(f"{RAISED} coupons written")
    expect(console.tile("pending")).to_contain_text("none waits")
    assert "most: 0 " not in console.tile("arrivals").inner_text()
    main.locator("summary", has_text="as a table").click()
    expect(main.locator("table", has_text="The last numbers")).to_contain_text(str(RAISED))
    return answers


def revoke_one(console: ConsolePage, shop: Shop, campaign_id: str, answers: list[Response]) -> str:
    """Find a winner by user and by code, and revoke the coupon; return its code."""
    winner = next(n for n, answer in enumerate(answers) if answer.status == 202)
    main = console.go(f"/campaigns/{campaign_id}/coupons").main
    row, search = main.locator("tbody tr"), main.get_by_label("User or code")
    expect(row.first).to_contain_text("us••••")
    assert f"user-{winner}<" not in main.inner_html()
    search.fill(f"user-{winner}")
    main.get_by_role("button", name="Find").click()
    expect(row).to_have_count(1)
    main.get_by_role("button", name="Show users and codes").click()
    expect(row).to_contain_text(f"user-{winner}")
    code = row.locator("code").inner_text()
    search.fill(code)
    main.get_by_role("button", name="Find").click()
    expect(row).to_contain_text(f"user-{winner}")
    main.get_by_role("button", name="Hide users and codes").click()
    row.get_by_role("button").click()
    main.get_by_label("Reason").fill("ordered by mistake")
    assert "/coupons/CODE/revocation'" in console.command(main.locator("section.card"))
    main.locator("button.danger").click()
    console.confirm(f"{campaign_id}/{answers[winner].body['serial']}")
    expect(row).to_contain_text("Revoked")
    assert admin_call(shop, "GET", f"/coupons/{code}").body["state"] == "REVOKED"
    return code


def redrive_what_was_given_up(console: ConsolePage, shop: Shop, campaign_id: str) -> None:
    """Find a coupon that failed because its serial was too high; raise, and write it after all."""
    failed = (campaign_id, LATE, message(campaign_id, LATE, RAISED + 1).encode())
    with closing(connect_to_mysql(owner_address(shop.settings))) as connection:
        with connection.cursor() as cursor:
            cursor.execute(GIVEN_UP, failed)
        connection.commit()
    raise_to(console, campaign_id, RAISED + 1)
    main = console.go("/failed").main
    main.locator("#failed-status").select_option("DEAD")
    expect(main.locator("tbody tr", has_text=campaign_id)).to_contain_text("SERIAL_OUT_OF_RANGE")
    main.get_by_role("button", name="Try what was given up").click()
    expect(main.locator(".said[data-mood=good]")).to_contain_text("1 written")


def compare_and_repair(console: ConsolePage, shop: Shop, campaign_id: str) -> None:
    """Let Redis forget a winner, see it, and mend it."""
    Redis(shop.settings, campaign_id)("ZREM", "applied_user", LATE)
    main = console.go(f"/campaigns/{campaign_id}/comparison").main
    main.get_by_role("button", name="Compare").click()
    expect(main.locator(".said[data-mood=good]")).to_have_text("1 differences.")
    main.get_by_role("button", name="Repair").click()
    expect(main.get_by_text("1 of 1 repaired")).to_be_visible()
    expect(main.locator("tr", has_text="MISSING_ADMISSION").locator(".number")).to_have_text("0")


def export(console: ConsolePage, campaign_id: str, folder: Path) -> list[dict[str, str]]:
    console.go(f"/campaigns/{campaign_id}/coupons")
    with console.page.expect_download() as download:
        console.main.get_by_role("button", name="Export as CSV").click()
    file = folder / download.value.suggested_filename
    assert file.name == f"{campaign_id}.csv"
    download.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def token_is_nowhere(console: ConsolePage) -> None:
    """Fail where the token is in an address, in a storage, or in what the page shows."""
    [token] = console.tokens
    page = console.page
    kept = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, name, "
        "history.state, location.href])"
    )
    shown = page.evaluate("document.documentElement.outerHTML")
    for place in (*console.addresses, kept, shown, str(page.context.storage_state())):
        assert token not in place
        assert token.rpartition(".")[2] not in place


def test_control_a_token_in_an_address_would_be_seen(page: Page, shop: Shop) -> None:
    assert shop
    console = ConsolePage(page).sign_in()
    console.is_settled()
    token_is_nowhere(console)
    [token] = console.tokens
    page.evaluate("token => { location.hash = `/campaigns?${token}` }", token)
    with pytest.raises(AssertionError):
        token_is_nowhere(console)
