"""Many people who wait on the event page: one page that polls as all of them, through a cache."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.second_cache import caching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from bench.second_cache import SecondCache

# The pages open their feeds within this time, as people come.
COMING_S = 5
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


@contextmanager
def waiting(
    browser: Browser, host: str, port: int, campaign_id: str, count: int
) -> Iterator[tuple[Page, SecondCache]]:
    """Let `count` pages wait for a campaign; yield, once all have come, their page and cache."""
    with caching(host, port) as (cache, address):
        page = browser.new_page()
        # People have a browser each: none finds in its own cache what another asked for.
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.goto(f"{address}/events/{campaign_id}", wait_until="networkidle")
        page.evaluate(WAITING, [count, f"/campaigns/{campaign_id}", COMING_S * 1000])
        page.wait_for_timeout(COMING_S * 1000)
        yield page, cache
        page.close()
