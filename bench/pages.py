"""Measure the event page: its weight, when a person can use it, and what waiting people cost.

    python -m bench.pages [--port 8000] [--pages 1000] [--seconds 30] [--rounds 10]

Needs a running service of development (`make run`, or `make stack` and `make serve`) and Chromium.
It opens a campaign of its own there. Weight: the first visit, with an empty cache; "with a coupon"
: from the navigation until the button is drawn with its
text, in a browser whose processor is slowed down. Waiting: that many pages' own polling, in one
browser, through a cache that keeps an answer as long as it says.
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
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.sync_api import sync_playwright

from bench.second_cache import caching
from handlers.domain import times
from local.cli import end, integer, port
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.harness.api_client import Api
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser, ViewportSize

HOST, PORT = "127.0.0.1", 8000
PAGES, SECONDS, ROUNDS, SLOWDOWN = 1000, 30, 10, 4
EXIT_FAILED = 1
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
PHONE: ViewportSize = {"width": 390, "height": 844}
QUANTITY, OPEN_FOR_S = 1_000_000, 3600
# The page opens its feeds within this time, as people come.
COMING_S = 5
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
# The page's own polling, for as many pages, by real timers and requests.
WAITING = """async ([count, path, comingMs]) => {
  const load = (name) => import(document.querySelector(`link[href$='${name}']`).href);
  const { CampaignFeed } = await load("event/feed.js");
  const { ServerClock } = await load("shared/clock.js");
  const { phaseOf } = await load("event/phase.js");
  const { call } = await load("shared/api.js");
  for (let page = 0; page < count; page += 1) {
    const clock = new ServerClock();
    const phase = () => phaseOf(feed.campaign, clock.now());
    const feed = new CampaignFeed({ read: () => call("GET", path), clock, phase, onChange() {} });
    setTimeout(() => feed.start(), Math.random() * comingMs);
  }
}"""


class Visit(NamedTuple):
    """What a first visit costs."""

    requests: int
    transferred: int  # bytes, headers included
    usable_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurements and print them; return 0, or 1 without the service or a browser."""
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
            browser.close()
    except HarnessError as error:
        return end(f"Not measured: {error}", EXIT_FAILED)
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
    with caching(HOST, options.port) as (cache, address):
        page = browser.new_page()
        # People have a browser each: none finds in its own cache what another asked for.
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.goto(f"{address}/events/{campaign_id}", wait_until="networkidle")
        page.evaluate(WAITING, [options.pages, path, COMING_S * 1000])
        page.wait_for_timeout(COMING_S * 1000)
        before, since = cache.asked[path], time.monotonic()
        page.wait_for_timeout(options.seconds * 1000)
        asked, took_s = cache.asked[path] - before, time.monotonic() - since
        moments = [at for at in cache.origin_at[path] if since <= at < since + took_s]
        page.close()
    fullest = max(bisect_left(moments, at + 1) - place for place, at in enumerate(moments))
    print(
        f"{options.pages:,} waiting pages, {took_s:.0f} s around an opening: {asked / took_s:,.0f} "
        f"requests a second to the cache, {len(moments) / took_s:.2f} to the service "
        f"(in the fullest second {fullest})"
    )


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
    add("--seconds", type=integer(4, 600), default=SECONDS, help=f"of waiting (default: {SECONDS})")
    add("--rounds", type=integer(1, 100), default=ROUNDS, help=f"of visits (default: {ROUNDS})")
    add(
        "--slowdown",
        type=integer(1, 20),
        default=SLOWDOWN,
        help=f"of the processor, beside the full speed (default: {SLOWDOWN})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
