"""What the console computes by itself: rates, commands; and what it does without a network."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.console_page import ConsolePage, admin_call, new_id
from tests.support.service import ADMIN, mint
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.pages import Shop

# A shell would run parts of it, end its quotes at others, or take it for two lines.
NASTY = """it's "$TOKEN" $(echo lost) `echo lost` \\ <b>& ; # 쿠폰"""


def sampled(page: Page, looks: list[tuple[float, int, int]]) -> dict[str, Any]:
    """Return what Samples makes of looks: (seconds, admitted, refused)."""
    found: dict[str, Any] = page.evaluate(
        """async (looks) => {
          const own = document.querySelector("script[type=module]").src;
          const { Samples } = await import(new URL("samples.js", own).href);
          const samples = new Samples();
          for (const [at, admitted, refused] of looks) {
            samples.add(at * 1000, { admitted }, { by_reason: { SOLD_OUT: refused } });
          }
          const { arrivals, admissions, highest, at } = samples;
          return { arrivals, admissions, highest, kept: at.length, recent: samples.recent() };
        }""",
        looks,
    )
    return found


@pytest.fixture
def console(page: Page, shop: Shop) -> ConsolePage:
    assert shop
    return ConsolePage(page).open()


def test_a_rate_is_what_changed_over_the_time_between_two_looks(console: ConsolePage) -> None:
    found = sampled(console.page, [(0, 0, 0), (1, 100, 0), (3, 300, 400), (4, 300, 400)])
    assert found["admissions"] == [None, 100, 100, 0]
    assert found["arrivals"] == [None, 100, 300, 0]
    assert found["highest"] == 300
    assert found["recent"] == {"admissions": 200 / 3, "arrivals": 600 / 3}


def test_a_break_is_a_gap_and_a_count_that_fell_is_no_rate(console: ConsolePage) -> None:
    found = sampled(console.page, [(0, 50, 0), (60, 90, 9), (61, 80, 0)])
    assert found["arrivals"] == [None, None, 0]
    assert sampled(console.page, [(0, 5, 5)])["recent"] == {"admissions": 0, "arrivals": 0}


def test_a_day_of_looks_keeps_the_last_ones(console: ConsolePage) -> None:
    assert sampled(console.page, [(at, at, 0) for at in range(2000)])["kept"] == 600


def test_the_command_of_an_action_does_the_same_in_a_shell(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/changes")
    console.change("rename").locator("input").fill(NASTY)
    details = console.change("rename").locator("details.curl")
    details.locator("summary").click()
    command = details.locator("pre").inner_text()
    assert next(iter(console.tokens)) not in command
    done = subprocess.run(
        ["bash", "-c", f"{command} --silent --show-error --fail-with-body"],
        env={"TOKEN": mint("admin", ADMIN), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["name"] == NASTY
    assert admin_call(shop, "GET", f"/campaigns/{campaign_id}").body["name"] == NASTY


def test_stages_are_set_with_the_campaign_and_shown_beside_its_changes(
    page: Page, shop: Shop
) -> None:
    campaign_id = new_id()
    main = ConsolePage(page).sign_in().go("/new").main
    for name, value in (
        ("id", campaign_id),
        ("name", "In two stages"),
        ("quantity", "300"),
        ("opens_at", "2026-01-01T10:00:00"),
        ("closes_at", "2099-01-01T10:00:00"),
    ):
        main.locator(f"input[name={name}]").fill(value)
    main.locator("summary", has_text="More").click()
    stages = main.locator("textarea[name=releases]")
    stages.fill("2026-01-01T10:00 100\n2098-01-01T10:00 two hundred")
    main.get_by_role("button", name="Create the campaign").click()
    expect(stages).to_be_focused()
    stages.fill("2026-01-01T10:00 100\n2098-01-01T10:00 200")
    main.get_by_role("button", name="Create the campaign").click()
    expect(main.locator(".title h1")).to_have_text("In two stages")
    stored = admin_call(shop, "GET", f"/campaigns/{campaign_id}").body
    assert [one["quantity"] for one in stored["releases"]] == [100, 200]
    page.locator(".tabs a", has_text="Change").click()
    expect(main.locator("section", has_text="Releases")).to_contain_text("100 released so far")


def test_before_the_opening_the_live_view_counts_down(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10, 7200)
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/live")
    expect(console.tile("given")).to_contain_text("opens in 120 min")


def test_without_a_network_the_live_view_says_so_and_comes_back(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, 10)
    console = ConsolePage(page).sign_in().go(f"/campaigns/{campaign_id}/live")
    expect(console.tile("given")).to_contain_text("0 of 10")
    page.context.set_offline(True)
    said = console.main.locator(".said[data-mood=bad]")
    expect(said).to_contain_text("No answer came")
    expect(page.locator("#lights [data-server=redis]")).to_contain_text("unknown")
    expect(console.tile("given")).to_contain_text("0 of 10")  # the last numbers stay
    page.context.set_offline(False)
    expect(said).to_have_count(0)
    expect(page.locator("#lights [data-server=redis]")).to_contain_text("ok")
