"""The report in a browser: Chromium, as the system has it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from lab.judge.promises import PROMISES
from lab.playground.page import REPORT, write_page
from lab.report.page import page as made
from tests.support.lab_records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    Open = Callable[..., Page]

STAGES = 9


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is missing: apt-get install chromium"
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(made([record(number) for number in range(1, STAGES + 1)]), encoding="utf-8")
    return path


def listen(page: Page, found: list[str]) -> None:
    """Note every line on the console, every error, and every request that leaves the file."""

    def request(url: str) -> None:
        if not url.startswith(("file:", "data:")):
            found.append(url)

    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda asked: request(asked.url))


def scrolls_sideways(page: Page, width: int) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") > width)


@pytest.fixture
def opened(chromium: Browser, report: Path) -> Iterator[Open]:
    """Open the report; it says nothing on the console and asks nobody for anything."""
    found: list[str] = []

    def opens(hash_: str = "", width: int = 1280, file: Path = report, **options: Any) -> Page:
        size: Any = {"width": width, "height": 900}
        page = chromium.new_context(viewport=size, **options).new_page()
        listen(page, found)
        page.goto(f"{file.as_uri()}{hash_}")
        return page

    yield opens
    for context in chromium.contexts:
        context.close()
    assert found == []


def test_a_page_with_faults_is_noticed(chromium: Browser, tmp_path: Path) -> None:
    """The negative control of what every test here looks at."""
    file, found = tmp_path / "bad.html", list[str]()
    wide = '<div style="width:2000px">x</div><img src="http://127.0.0.1:1/x.png">'
    file.write_text(f"{wide}<script>console.log('one'); undefined.two</script>")
    page = chromium.new_page()
    listen(page, found)
    page.goto(file.as_uri())
    assert scrolls_sideways(page, 1280)
    assert "http://127.0.0.1:1/x.png" in found
    assert "one" in found
    assert any("two" in line for line in found)
    page.close()


def test_the_table_has_a_cell_for_each_promise_and_stage(opened: Open) -> None:
    page = opened(locale="en-GB")
    expect(page.get_by_role("cell")).to_have_count(len(PROMISES) * STAGES)
    expect(page.get_by_role("rowheader")).to_have_count(len(PROMISES))
    expect(page.get_by_role("columnheader")).to_have_count(STAGES + 1)
    expect(page.get_by_label("broken: 111 coupons of 100")).to_be_visible()


def test_the_switch_changes_the_language_and_the_address_keeps_it(opened: Open) -> None:
    page = opened(locale="en-GB")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("A hundred coupons", use_inner_text=True)
    page.get_by_role("button", name="한국어").click()
    expect(heading).to_contain_text("쿠폰 100장", use_inner_text=True)
    expect(page.get_by_label("어김: 쿠폰 100장 중 111장")).to_be_visible()
    assert page.url.endswith("#ko")
    page.reload()
    expect(heading).to_contain_text("쿠폰 100장", use_inner_text=True)


@pytest.mark.parametrize(
    ("locale", "hash_", "language"),
    [("ko-KR", "", "ko"), ("fr-FR", "", "en"), ("ko-KR", "#en", "en"), ("en-GB", "#ko", "ko")],
)
def test_the_browsers_language_is_the_default_and_the_address_wins(
    opened: Open, locale: str, hash_: str, language: str
) -> None:
    page = opened(hash_, locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", language)
    button = page.locator("button[aria-pressed=true]")
    expect(button).to_have_attribute("data-language", language)


def test_a_link_to_a_stage_keeps_the_language_and_can_be_sent_to_others(opened: Open) -> None:
    page = opened("#ko")
    page.get_by_role("link", name="4단계").first.click()
    expect(page.locator("#stage-4")).to_be_focused()
    assert page.url.endswith("#ko/stage-4")
    other = opened("#ko/stage-4")
    expect(other.locator("#stage-4")).to_be_in_viewport()


def test_report_and_playground_lead_to_each_other_at_a_stage(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / REPORT
    file.write_text(made([record(number) for number in range(1, STAGES + 1)]), encoding="utf-8")
    write_page(tmp_path)
    page = opened("#ko", file=file)
    page.locator("#stage-6").get_by_role("link", name="이 단계를 한 걸음씩").click()
    expect(page.get_by_role("button", name="6단계")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="7단계").click()
    page.get_by_role("link", name="실험실 보고서").click()
    expect(page.locator("#stage-7")).to_be_in_viewport()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    page.get_by_role("link", name="놀이터").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("놀이터")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("stages", [1, 9])
def test_nothing_scrolls_sideways(
    opened: Open, tmp_path: Path, language: str, width: int, stages: int
) -> None:
    file = tmp_path / "index.html"
    file.write_text(made([record(number + 1) for number in range(stages)]), encoding="utf-8")
    page = opened(f"#{language}", width, file)
    assert not scrolls_sideways(page, width)


def test_a_step_is_read_with_the_keyboard(opened: Open) -> None:
    page = opened("#en")
    first = page.locator("svg.lanes").first.locator(".event").first
    first.focus()
    tip = page.locator("#tip")
    expect(tip).to_have_text("1 ms, lab, Kafka: Kafka is frozen")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(tip).to_have_text("9 ms, app 1, Redis: SADD applied_user kim-minji → 1")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_link_of_the_stage_that_is_read_is_marked_and_in_sight(
    opened: Open, width: int
) -> None:
    page = opened("#en", width)
    links = page.get_by_role("navigation", name="Stages")
    current = links.locator("[aria-current]")
    for stage in (8, 2):
        page.locator(f"#stage-{stage} h2").evaluate("heading => heading.scrollIntoView()")
        expect(current).to_have_attribute("href", f"#stage-{stage}")
        expect(current).to_be_in_viewport(ratio=1)


def test_only_what_changed_can_be_shown(opened: Open) -> None:
    code = opened("#en").locator("#stage-4 .code")
    same = code.locator(".line.same").first
    expect(same).to_be_visible()
    code.get_by_label("Only what changed").check()
    expect(same).to_be_hidden()
    expect(code.locator(".line.added").first).to_be_visible()


def test_without_scripts_the_page_is_in_english(opened: Open) -> None:
    page = opened(java_script_enabled=False, locale="ko-KR")
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        "A hundred coupons", use_inner_text=True
    )
    expect(page.get_by_role("cell")).to_have_count(len(PROMISES) * STAGES)
