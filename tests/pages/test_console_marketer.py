"""A marketer's day in the console, from the first campaign to the export, without a terminal."""

from __future__ import annotations

import csv
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from handlers import wiring
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.consume import consume_handler
from local.migrate import owner_address
from tests.support.console_page import ConsolePage, admin_call, crowd, new_id
from tests.support.drift import Redis
from tests.support.service import kafka_event, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.support.pages import Shop

QUANTITY, RAISED, PEOPLE = 300, 400, 2000


@pytest.fixture
def here() -> Iterator[None]:
    """Clients of this process, on the servers of the shop."""
    wiring.reset()
    yield
    wiring.reset()


def give_up(shop: Shop, campaign_id: str, user: str) -> None:
    """Let a coupon fail whose serial the campaign does not have, for good."""
    consume_handler(kafka_event([message(campaign_id, user, RAISED + 1)]), None)
    with closing(connect_to_mysql(owner_address(shop.settings))) as connection:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE failed_event SET status = 'DEAD' WHERE user_id = %s", (user,))
        connection.commit()


def test_a_marketer_runs_a_campaign_from_its_creation_to_the_export(
    page: Page, shop: Shop, here: None, tmp_path: Path
) -> None:
    console, campaign_id = ConsolePage(page).sign_in(), new_id()
    main = console.main

    # Create, with the event page beside the form.
    console.go("/new")
    main.locator("input[name=id]").fill(campaign_id)
    main.locator("input[name=name]").fill("Coffee <b>day</b>")
    main.locator("input[name=quantity]").fill(str(QUANTITY))
    main.locator("input[name=opens_at]").fill("2026-01-01T10:00:00")
    main.locator("input[name=closes_at]").fill("2099-01-01T10:00:00")
    main.locator("select[name=benefit]").select_option("amount")
    main.locator("input[name=benefit_value]").fill("3000")
    preview = main.locator(".preview")
    expect(preview.locator("h1")).to_have_text("Coffee <b>day</b>")
    expect(preview.locator("#benefit")).to_contain_text("₩3,000")
    main.get_by_label("Show the page as it is when").select_option("COUPON")
    expect(preview.locator("#serial")).to_have_text("#1")
    main.locator("summary", has_text="More").click()
    main.locator("input[name=rate_per_address]").fill("0")
    made = console.command(main)
    assert made.startswith(f"curl -X POST '{shop.address}/campaigns' ")
    assert '"benefit":{"kind":"amount","value":3000,"currency":"KRW"}' in made
    main.get_by_role("button", name="Create the campaign").click()
    expect(page).to_have_url(re.compile(f"#/campaigns/{campaign_id}$"))
    expect(main.locator("h1")).to_have_text("Coffee <b>day</b>")

    # Extend, pause, go on, raise.
    console.go(f"/campaigns/{campaign_id}/changes")
    console.change("extend").locator("input").fill("2099-06-01T10:00:00")
    console.change("extend").get_by_role("button", name="Set the end").click()
    expect(console.change("extend")).to_contain_text("Jun 1, 2099")
    assert admin_call(shop, "GET", f"/campaigns/{campaign_id}").body["closes_at"].startswith("2099-06-01")
    console.change("running").get_by_role("button", name="Pause").click()
    expect(main.locator(".title .pill")).to_have_text("Paused")
    console.change("paused").get_by_role("button", name="Resume").click()
    expect(main.locator(".title .pill")).to_have_text("Open")
    console.change("raise").locator("input").fill(str(RAISED))
    console.change("raise").get_by_role("button", name="Set the quantity").click()
    expect(console.change("raise")).to_contain_text(f"{RAISED} coupons")

    # Watch the burst.
    console.go(f"/campaigns/{campaign_id}/live")
    expect(console.tile("given")).to_contain_text(f"0 of {RAISED}")
    answers = crowd(shop, campaign_id, (f"user-{n}" for n in range(PEOPLE)))
    assert sum(answer.status == 202 for answer in answers) == RAISED
    expect(console.tile("given")).to_contain_text(f"{RAISED} of {RAISED}")
    refused = main.locator("tr", has_text="SOLD_OUT")
    expect(refused).to_contain_text(f"{PEOPLE - RAISED:,}")
    expect(console.tile("admissions")).to_contain_text(f"{RAISED} coupons written")
    expect(console.tile("pending")).to_contain_text("none waits")
    assert not re.search(r"most: 0 ", console.tile("arrivals").inner_text())
    main.locator("summary", has_text="as a table").click()
    expect(main.locator("table", has_text="The last numbers")).to_contain_text(str(RAISED))

    # Revoke one.
    winner = next(n for n, answer in enumerate(answers) if answer.status == 202)
    serial = answers[winner].body["serial"]
    console.go(f"/campaigns/{campaign_id}/coupons")
    expect(main.locator("tbody tr").first).to_contain_text("us••••")
    main.get_by_label("User or code").fill(f"user-{winner}")
    main.get_by_role("button", name="Find").click()
    expect(main.locator("tbody tr")).to_have_count(1)
    main.get_by_role("button", name="Show users and codes").click()
    row = main.locator("tbody tr").first
    expect(row).to_contain_text(f"user-{winner}")
    code = row.locator("code").inner_text()
    main.get_by_label("User or code").fill(code)
    main.get_by_role("button", name="Find").click()
    expect(row).to_contain_text(f"user-{winner}")
    row.get_by_role("button").click()
    main.get_by_label("Reason").fill("ordered by mistake")
    main.locator("button.danger").click()
    console.confirm(f"{campaign_id}/{serial}")
    expect(row).to_contain_text("Revoked")
    assert admin_call(shop, "GET", f"/coupons/{code}").body["state"] == "REVOKED"

    # Redrive: a record of a serial that there is from now on.
    give_up(shop, campaign_id, "user-late")
    console.go(f"/campaigns/{campaign_id}/changes")
    console.change("raise").locator("input").fill(str(RAISED + 1))
    console.change("raise").get_by_role("button", name="Set the quantity").click()
    expect(console.change("raise")).to_contain_text(f"{RAISED + 1} coupons")
    console.go("/failed")
    main.locator("#failed-status").select_option("DEAD")
    expect(main.locator("tbody tr", has_text=campaign_id)).to_contain_text("SERIAL_OUT_OF_RANGE")
    main.get_by_role("button", name="Try what was given up").click()
    expect(main.locator(".said[data-mood=good]")).to_contain_text("1 written")

    # Compare, repair.
    Redis(shop.settings, campaign_id)("ZREM", "applied_user", "user-late")
    console.go(f"/campaigns/{campaign_id}/comparison")
    main.get_by_role("button", name="Compare").click()
    expect(main.locator(".said[data-mood=good]")).to_have_text("1 differences.")
    main.get_by_role("button", name="Repair").click()
    expect(main.get_by_text("1 of 1 repaired")).to_be_visible()
    expect(main.locator("tr", has_text="MISSING_ADMISSION").locator(".number")).to_have_text("0")

    # What was done, and by whom.
    console.go(f"/campaigns/{campaign_id}/events")
    for words in ("Campaign created", "ordered by mistake", "paused: false → true"):
        expect(main.locator("tbody")).to_contain_text(words)

    # Export.
    console.go(f"/campaigns/{campaign_id}/coupons")
    with page.expect_download() as download:
        main.get_by_role("button", name="Export as CSV").click()
    file = tmp_path / "coupons.csv"
    download.value.save_as(file)
    assert download.value.suggested_filename == f"{campaign_id}.csv"
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == RAISED + 1
    assert {row["serial"] for row in rows} == {str(n + 1) for n in range(RAISED + 1)}
    assert {row["state"] for row in rows if row["code"] == code} == {"REVOKED"}
    token_is_nowhere(console)


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
