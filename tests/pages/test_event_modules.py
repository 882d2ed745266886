"""The event page's own modules, each by itself in the browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_retry_after_is_waited_out_with_jitter_and_grows_with_failures(page: Page) -> None:
    page.goto("/events/none")
    waits = page.evaluate(
        """async () => {
          const { backoff, jittered } = await import(
            document.querySelector("link[href$='api.js']").href);
          const none = () => 0, most = () => 0.999999;
          return {
            least: jittered(2000, none), most: Math.round(jittered(2000, most)),
            grows: [1, 2, 3, 4, 5, 9].map((failures) => backoff(failures, 15000, none)),
          };
        }"""
    )
    assert waits == {
        "least": 2000,
        "most": 3000,
        "grows": [1000, 2000, 4000, 8000, 15000, 15000],
    }


def test_both_languages_have_each_sentence_with_the_same_values(page: Page) -> None:
    page.goto("/events/none")
    texts = page.evaluate(
        """async () => (await import(
          document.querySelector("link[href$='event/texts.js']").href)).TEXTS"""
    )
    values = {
        language: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in table.items()}
        for language, table in texts.items()
    }
    assert values["ko"] == values["en"]
    assert json.dumps(texts["ko"], ensure_ascii=False) != json.dumps(texts["en"])


def test_the_clock_takes_the_freshest_answer_and_states_its_error(page: Page) -> None:
    page.goto("/events/none")
    read = page.evaluate(
        """async () => {
          const link = document.querySelector("link[href$='clock.js']");
          const { ServerClock } = await import(link.href);
          let at = 0;
          const clock = new ServerClock(() => at);
          const say = [clock.now(), clock.errorMs()];
          // A server that is 1,000,000 ms ahead; answers of a cache are up to a second old.
          const ages = [700, 400, 950, 20, 500];
          for (const age of ages) {
            at += 2000;
            clock.sample(at - 40, at, 1_000_000 + at - 20 - age);
          }
          const estimate = clock.now() - 1_000_000 - at;
          const error = clock.errorMs();
          at += 1000;
          clock.sample(at - 40, at, 500_000 + at); // set back
          const back = clock.now() - 500_000 - at;
          return { say, estimate, error: Math.round(error), back };
        }"""
    )
    assert read == {"say": [None, None], "estimate": -20, "error": 471, "back": 20}


def test_the_phase_follows_from_time_alone_between_two_answers(page: Page) -> None:
    page.goto("/events/none")
    names = page.evaluate(
        """async () => {
          const { phaseOf } = await import(document.querySelector("link[href$='phase.js']").href);
          const iso = (ms) => new Date(ms).toISOString();
          const one = {
            opens_at: iso(1000), closes_at: iso(9000), state: "SCHEDULED", paused: false,
          };
          const staged = { ...one, releases: [{ at: iso(3000), quantity: 1 }] };
          const later = { ...one, state: "NEXT_RELEASE", next_release_at: iso(5000) };
          const show = (campaign, now) => Object.values(phaseOf(campaign, now)).join(" ");
          return [
            show(one, 999), show(one, 1000), show(one, 9000), show({ ...one, paused: true }, 1000),
            show(staged, 0), show(staged, 1000), show(staged, 3000),
            show(later, 4999), show(later, 5000), show({ ...one, state: "SOLD_OUT" }, 2000),
          ];
        }"""
    )
    assert names == [
        "SCHEDULED 1000", "OPEN ", "CLOSED ", "PAUSED ",
        "SCHEDULED 3000", "NEXT_RELEASE 3000", "OPEN ",
        "NEXT_RELEASE 5000", "OPEN ", "SOLD_OUT ",
    ]  # fmt: skip


def polls(page: Page, steps: list[list[Any]]) -> list[float]:
    script = """async (steps) => {
      const { pollAfterMs } = await import(document.querySelector("link[href$='feed.js']").href);
      return steps.map(([name, opensAt, now]) => pollAfterMs({ name, opensAt }, now));
    }"""
    found: list[float] = page.evaluate(script, steps)
    return found


def test_pages_ask_more_often_the_nearer_the_opening_is(page: Page) -> None:
    page.goto("/events/none")
    hour, minute = 3_600_000, 60_000
    scheduled = [["SCHEDULED", hour, at] for at in (0, hour - 5 * minute, hour - 1000)]
    assert polls(page, scheduled) == [30_000, 10_000, 2000]
    others = [[name, None, 0] for name in ("OPEN", "PAUSED", "SOLD_OUT", "CLOSED")]
    assert polls(page, others) == [4000, 5000, 20_000, 60_000]
