"""A thousand waiting pages behind a cache of one second: one request a second for the campaign.

The times at which pages ask come from the page's own module, for a thousand pages whose clock the
test turns. What a page asks for comes from a page in the browser. Both meet in a cache with the
same turned clock, in front of the real service.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.event_page import (
    OF_APPLY,
    OF_THE_CAMPAIGN,
    EventPage,
    arrive,
    new_id,
    problem,
    until,
)
from tests.support.http_client import Call
from tests.support.second_cache import Asked, SecondCache

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route

    from tests.support.pages import Shop
    from tests.support.service import Response

PAGES = 1000
BEFORE_S, AFTER_S = 90, 20
# From the second half on: the pages have been opened within the first.
COUNTED_FROM_MS = BEFORE_S * 500
# What one page asks for in the last minute and after the opening, without a cache.
OF_A_PAGE_PER_S = 0.55
# Runs a thousand feeds by a clock of their own; returns when each asked, in ms from the start.
SIMULATION = """async ([pages, beforeMs, afterMs]) => {
  const load = (name) => import(document.querySelector(`link[href$='${name}']`).href);
  const { CampaignFeed } = await load("event/feed.js");
  const { ServerClock } = await load("shared/clock.js");
  const { phaseOf } = await load("event/phase.js");
  let now = 0, count = 0, seed = 1;
  const due = new Map();
  const timers = {
    setTimeout: (work, ms) => { due.set(++count, { at: now + ms, work }); return count; },
    clearTimeout: (id) => due.delete(id),
  };
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const monotonic = () => now;
  const opens = 1_800_000_000_000;
  const iso = (ms) => new Date(ms).toISOString();
  const asked = [];
  const answer = () => {
    const server = opens - beforeMs + now;
    return {
      status: 200, retryAfterMs: null, sentAt: now, receivedAt: now,
      headers: new Headers({ "Cache-Control": "max-age=1" }),
      body: {
        now: iso(server), opens_at: iso(opens), closes_at: iso(opens + 3_600_000), paused: false,
        state: server < opens ? "SCHEDULED" : "OPEN",
      },
    };
  };
  for (let page = 0; page < pages; page += 1) {
    const clock = new ServerClock(monotonic);
    const feed = new CampaignFeed({
      read: async () => { asked.push(now); return answer(); },
      clock, phase: () => phaseOf(feed.campaign, clock.now()), onChange() {},
      timers, monotonic, random,
    });
    timers.setTimeout(() => feed.start(), random() * beforeMs / 2);
  }
  while (due.size > 0) {
    const [id, next] = [...due].reduce((first, one) => (one[1].at < first[1].at ? one : first));
    if (next.at > beforeMs + afterMs) break;
    due.delete(id);
    now = next.at;
    next.work();
    for (let turn = 0; turn < 6; turn += 1) await null;
  }
  return asked;
}"""

# As when the person goes to another tab, or comes back.
LOOK = """(state) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def schedule() -> dict[str, list[float]]:
    """When the thousand asked, filled by the first test that needs it."""
    return {}


def asked_at(page: Page, schedule: dict[str, list[float]]) -> list[float]:
    if "at" not in schedule:
        page.goto("/events/none")
        found = page.evaluate(SIMULATION, [PAGES, BEFORE_S * 1000, AFTER_S * 1000])
        schedule["at"] = sorted(found)
    return schedule["at"]


def what_a_page_asks(page: Page, campaign_id: str) -> Asked:
    """Return the request of a page that waits, as the network sees it."""
    seen: list[Request] = []
    end = f"/campaigns/{campaign_id}"
    page.on("request", lambda one: seen.append(one) if end in one.url else None)
    arrive(page, campaign_id)  # signed in, which a cache must not see
    until(page, lambda: len(of_the_campaign(seen)) > 1, "the page asks again")
    first, second, *_ = of_the_campaign(seen)
    assert first.url == second.url
    return Asked(second.url, second.all_headers())


def of_the_campaign(seen: list[Request]) -> list[Request]:
    return [one for one in seen if OF_THE_CAMPAIGN.search(one.url)]


def fullest_second(moments: list[float]) -> int:
    """Return how many lie in the fullest half-open second."""
    return max(bisect_left(moments, at + 1000) - place for place, at in enumerate(moments))


def test_a_thousand_waiting_pages_cost_one_request_a_second(
    page: Page, shop: Shop, schedule: dict[str, list[float]]
) -> None:
    moments = asked_at(page, schedule)
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=30)
    asked = what_a_page_asks(page, campaign_id)

    def origin(one: Asked) -> Response:
        assert one.target.endswith(f"/campaigns/{campaign_id}")
        return shop.client.send(Call("GET", f"/campaigns/{campaign_id}"))

    cache = SecondCache(origin)
    answers = Counter(cache.get(asked, at).status for at in moments)
    assert answers == {200: len(moments)}
    assert fullest_second(cache.origin_ms) == 1
    assert cache.hits > 100 * len(cache.origin_ms)


def test_control_pages_that_ask_past_the_cache_are_noticed(
    page: Page, shop: Shop, schedule: dict[str, list[float]]
) -> None:
    moments = asked_at(page, schedule)[:1000]
    campaign_id = new_id()
    shop.create(campaign_id)
    answer = shop.client.send(Call("GET", f"/campaigns/{campaign_id}"))
    for headers in ({"Cache-Control": "no-cache"}, {"Authorization": "Bearer a.b.c"}):
        cache = SecondCache(lambda _: answer)
        for at in moments:
            cache.get(Asked("/campaigns/x", headers), at)
        assert fullest_second(cache.origin_ms) > 1
    cache = SecondCache(lambda _: answer)
    for index, at in enumerate(moments):
        cache.get(Asked(f"/campaigns/x?t={index}", {}), at)
    assert fullest_second(cache.origin_ms) > 1


def test_a_page_asks_rarely_also_where_there_is_no_cache(
    page: Page, schedule: dict[str, list[float]]
) -> None:
    moments = [at for at in asked_at(page, schedule) if at >= COUNTED_FROM_MS]
    seconds = (BEFORE_S + AFTER_S) - COUNTED_FROM_MS / 1000
    assert len(moments) / seconds / PAGES < OF_A_PAGE_PER_S
    # They do not come together: no second, the opening included, has twice its share.
    assert fullest_second(moments) < 2 * OF_A_PAGE_PER_S * PAGES


def test_a_page_in_the_background_asks_for_nothing(page: Page, shop: Shop) -> None:
    campaign_id = new_id()
    shop.create(campaign_id, opens_in_s=30)
    EventPage(page, campaign_id).open()
    seen: list[str] = []
    page.evaluate(LOOK, "hidden")
    page.wait_for_load_state("networkidle")
    page.on("request", lambda one: seen.append(one.url))
    # Longer than the page's longest wait within the last minute.
    page.wait_for_timeout(3200)
    assert seen == []
    page.evaluate(LOOK, "visible")
    until(page, lambda: seen, "it asks again when a person looks")


def test_a_press_goes_on_in_the_background_and_when_it_ends_nothing_is_asked(
    page: Page, shop: Shop
) -> None:
    page.clock.install()
    campaign_id = new_id()
    shop.create(campaign_id)
    held: list[Route] = []
    one = arrive(page, campaign_id)
    page.route(OF_APPLY, lambda route: held.append(route))  # noqa: PLW0108 - not a builtin
    one.button.press("Enter")
    until(page, lambda: held, "the press is sent")
    seen: list[Request] = []
    page.on("request", lambda one: seen.append(one))  # noqa: PLW0108
    page.evaluate(LOOK, "hidden")
    page.clock.run_for(10_000)
    until(page, lambda: of_the_campaign(seen), "the page asks while the press is under way")
    held[0].fulfill(**problem("NOT_ELIGIBLE", 403))
    one.says("NOT_ELIGIBLE")
    page.wait_for_load_state("networkidle")
    seen.clear()
    page.clock.run_for(120_000)
    page.wait_for_load_state("networkidle")
    assert seen == []
    page.evaluate(LOOK, "visible")
    page.clock.run_for(2000)
    until(page, lambda: of_the_campaign(seen), "it asks again when a person looks")
