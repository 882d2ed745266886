"""Measure the event page: its weight, when a person can use it, and what waiting people cost.

    python -m bench.pages [--port 8000] [--pages 1000] [--seconds 30] [--rounds 10] [--turns 3]

Needs a running service of development (`make run`, or `make stack` and `make serve`) and Chromium.
It opens campaigns of its own there. Weight: the first visit, with an empty cache. Usable: from the
navigation until the button is drawn with its text, also in a browser whose processor is slowed
down. Waiting: that many pages' own polling, in one browser, through a cache that keeps an answer as
long as it says. Apply: applications at a fixed rate, timed from when each was due, without and with
so many pages and the console at the same campaign. Browser and cache run on this machine as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
import uuid
from bisect import bisect_left
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.sync_api import sync_playwright

from bench.paced import Schedule, apply_paced
from bench.waiting_pages import COMING_S, waiting
from handlers.domain import times
from local.cli import end, integer, port
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.harness.api_client import Api
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, ViewportSize

    from bench.paced import PacedTimes

HOST, PORT = "127.0.0.1", 8000
PAGES, SECONDS, ROUNDS, SLOWDOWN = 1000, 30, 10, 4
TURNS, RATE = 3, 200
EXIT_FAILED = 1
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
PHONE: ViewportSize = {"width": 390, "height": 844}
QUANTITY, OPEN_FOR_S = 1_000_000, 3600
RECHECK_MS = 50
# Notes when the button is drawn with its text: from then on a press does something.
USABLE = """
addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("press");
  new MutationObserver((changes, observer) => {
    if (!button.textContent || button.closest("[hidden]")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.usableAt = performance.now(); }));
  }).observe(document.body, { attributes: true, childList: true, subtree: true });
});
"""


class Visit(NamedTuple):
    """What a first visit costs."""

    requests: int
    transferred: int  # bytes, headers included
    usable_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurements and print them; return 0, or 1 where something was not measured."""
    options = _parser().parse_args(arguments)
    browser_path = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if browser_path is None:
        return end(
            f"Not measured: install one of {', '.join(BROWSERS)}, or set CHROMIUM", EXIT_FAILED
        )
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=[*FLAGS])
            _weigh(browser, options)
            _wait(browser, options)
            failed = _apply(browser, options)
            browser.close()
    except HarnessError as error:
        return end(f"Not measured: {error}", EXIT_FAILED)
    if failed:
        return end(f"{failed:,} applications were not accepted", EXIT_FAILED)
    return 0


def _weigh(browser: Browser, options: argparse.Namespace) -> None:
    campaign_id = _campaign(options.port, opens_in_s=-1)
    for slowdown in (1, options.slowdown):
        visits = [
            _visit(browser, f"http://{HOST}:{options.port}/events/{campaign_id}", slowdown)
            for _ in range(options.rounds)
        ]
        usable = sorted(visit.usable_ms for visit in visits)
        print(
            f"first visit, processor {slowdown}x slower: {visits[0].requests} requests, "
            f"{visits[0].transferred:,} bytes; usable after {statistics.median(usable):,.0f} ms "
            f"({usable[0]:,.0f} to {usable[-1]:,.0f})"
        )


def _visit(browser: Browser, address: str, slowdown: int) -> Visit:
    context = browser.new_context(viewport=PHONE, locale="ko-KR")
    page = context.new_page()
    page.add_init_script(USABLE)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    while (usable_ms := page.evaluate("window.usableAt")) is None:
        page.wait_for_timeout(RECHECK_MS)
    context.close()
    return Visit(len(sizes), int(sum(sizes)), float(usable_ms))


def _wait(browser: Browser, options: argparse.Namespace) -> None:
    campaign_id = _campaign(options.port, opens_in_s=COMING_S + options.seconds / 2)
    path = f"/campaigns/{campaign_id}"
    with waiting(browser, HOST, options.port, campaign_id, options.pages) as (page, cache):
        before, since = cache.asked[path], time.monotonic()
        page.wait_for_timeout(options.seconds * 1000)
        asked, took_s = cache.asked[path] - before, time.monotonic() - since
        moments = [at for at in cache.origin_at[path] if since <= at < since + took_s]
    fullest = max(bisect_left(moments, at + 1) - place for place, at in enumerate(moments))
    print(
        f"{options.pages:,} waiting pages, {took_s:.0f} s around an opening: {asked / took_s:,.0f} "
        f"requests a second to the cache, {len(moments) / took_s:.2f} to the service "
        f"(in the fullest second {fullest})"
    )


def _apply(browser: Browser, options: argparse.Namespace) -> int:
    """Print the time of apply without and with what is open, in turn; return how many failed."""
    without, opened = "without", f"with the console and {options.pages:,} pages open"
    taken: dict[str, list[PacedTimes]] = {without: [], opened: []}
    for turn in range(options.turns):
        for name in (without, opened) if turn % 2 == 0 else (opened, without):
            taken[name].append(_times(browser, options, watched=name == opened))
    for name, turns in taken.items():
        p50, p99 = (
            statistics.median(one.percentile(percent) for one in turns) for percent in (50, 99)
        )
        least, most = (f(one.percentile(99) for one in turns) for f in (min, max))
        print(
            f"apply, {options.rate:,} a second, {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms "
            f"({least:.1f} to {most:.1f}, {options.turns} turns of {options.seconds} s)"
        )
    return sum(one.wrong for turns in taken.values() for one in turns)


def _times(browser: Browser, options: argparse.Namespace, *, watched: bool) -> PacedTimes:
    campaign_id = _campaign(options.port, opens_in_s=-1)
    secret = DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"]
    rate, seconds = options.rate, options.seconds
    schedule = Schedule(HOST, options.port, campaign_id, secret, rate, seconds)
    if not watched:
        return apply_paced(schedule, lambda ms: time.sleep(ms / 1000))
    with (
        waiting(browser, HOST, options.port, campaign_id, options.pages) as (page, _),
        _console(browser, options.port, campaign_id),
    ):
        return apply_paced(schedule, page.wait_for_timeout)


@contextmanager
def _console(browser: Browser, port_of_service: int, campaign_id: str) -> Iterator[None]:
    """Look at the campaign in the console, as an administrator who signed in there."""
    page = browser.new_page()
    page.goto(f"http://{HOST}:{port_of_service}/console?lang=en#/campaigns/{campaign_id}/live")
    page.locator("main button.first").click()
    form = page.locator("dialog[open]")
    form.locator("input[name=username]").fill("bench-pages")
    form.locator("input[type=checkbox]").check()
    form.locator("button[type=submit]").click()
    page.locator("[data-tile=given] strong:not(:empty)").wait_for()
    yield
    page.close()


def _campaign(port_of_service: int, opens_in_s: float) -> str:
    campaign_id = f"bench-pages-{uuid.uuid4().hex[:8]}"
    opens_at_ms = int((time.time() + opens_in_s) * 1000)
    body: dict[str, Any] = {
        "id": campaign_id,
        "name": "가을맞이 첫 주문 쿠폰",
        "quantity": QUANTITY,
        "opens_at": times.to_iso(opens_at_ms),
        "closes_at": times.to_iso(opens_at_ms + OPEN_FOR_S * 1000),
        "benefit": {"kind": "amount", "value": 5000, "currency": "KRW"},
        "rate_per_address": 0,  # all who apply have one address
    }
    Api(HOST, port_of_service).created(body, DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"])
    return campaign_id


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=port, default=PORT, help=f"of the service, on {HOST} (default: {PORT})")
    add("--pages", type=integer(1, 5000), default=PAGES, help=f"that wait (default: {PAGES})")
    add("--seconds", type=integer(4, 600), default=SECONDS, help=f"of each (default: {SECONDS})")
    add("--rounds", type=integer(1, 100), default=ROUNDS, help=f"of visits (default: {ROUNDS})")
    add("--turns", type=integer(1, 100), default=TURNS, help=f"of applying (default: {TURNS})")
    add(
        "--rate",
        type=integer(1, 5000),
        default=RATE,
        help=f"applications a second (default: {RATE})",
    )
    add(
        "--slowdown",
        type=integer(1, 20),
        default=SLOWDOWN,
        help=f"of the processor, beside the full speed (default: {SLOWDOWN})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
