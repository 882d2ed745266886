"""The page: one file without a network, which replays a run from its address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from lab.playground.page import FOLDER, page
from tests.lab.playground.browser import PLACE, evaluate, result_of

if TYPE_CHECKING:
    from pathlib import Path

# What a person at the page sees, after a script has used its buttons.
LOOK = """
const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
const press = (key) => document.querySelector(`[data-key="${key}"]`).click();
const show = (result) => {
  document.querySelector("#result").textContent = JSON.stringify(result);
};
"""
SENTENCE = r'^  "?([\w. ]+)"?: \[\s*(".*?"),\s*(".*?"),?\s*\],$'
BROKEN = "texts('.promise.broken b')"


def looked(script: str, address: str = "") -> Any:
    return result_of(f"{page(has_report=True)}{PLACE}<script>{LOOK}{script}</script>", address)


def broken_after(stage: int, *keys: str) -> Any:
    """Return the promises that are broken after these buttons have been pressed."""
    presses = "".join(f"press('{key}');" for key in keys)
    return looked(f"press('stage{stage}'); {presses} show({BROKEN});", "#lang=en")


def test_a_lost_send_breaks_a_promise_only_where_apply_does_not_wait_for_the_ack() -> None:
    assert broken_after(5, "a0", "f/apply minji", "d1") == ["Accepted is never lost"]
    assert broken_after(8, "a0", "s/apply minji", "s/apply minji", "l/apply minji") == []


def test_a_crash_after_redis_has_decided_bars_a_person_until_stage_7() -> None:
    again = ["a0", "s/apply minji", "x/apply minji", "t", "a0", "f/apply minji"]
    assert broken_after(6, *again) == ["A crash costs nobody a coupon"]
    assert broken_after(7, *again) == []


def test_what_has_changed_is_marked_with_words() -> None:
    script = "press('a0'); press('s/apply minji'); show(texts('#redis .added, #redis .changed'));"
    assert looked(script, "#stage=7&lang=en") == [
        "minji+ new",
        "1~ changed",
        "minji  1000+ new",
    ]


def test_an_address_is_replayed_step_by_step_to_its_end() -> None:
    script = f"setTimeout(() => show([texts('#run span'), {BROKEN}]), 20000);"
    at_once = f"show([texts('#run span'), {BROKEN}]);"
    address = "#stage=5&do=a0.f0.d0&lang=en"
    assert looked(at_once, address) == [["0 / 3"], []]
    assert looked(script, address) == [["3 / 3"], ["Accepted is never lost"]]


def test_the_address_of_a_seed_and_of_a_run_by_hand_can_be_shared() -> None:
    script = "press('a1'); press('undo'); press('a0'); press('c'); show(location.hash);"
    assert looked(script, "#stage=8&lang=en") == "#stage=8&do=a0.c&lang=en"
    seed = "document.querySelector('#seed').value = 7; press('play_seed'); show(location.hash);"
    assert looked(seed, "#stage=9&lang=en") == "#stage=9&seed=7&lang=en"


def test_the_report_is_opened_at_the_stage_and_in_the_language_of_the_page() -> None:
    script = "press('stage7'); show(document.querySelector('#report').getAttribute('href'));"
    assert looked(script, "#stage=5&lang=ko") == "index.html#ko/stage-7"


def test_an_action_of_the_address_that_is_none_is_left_out() -> None:
    assert looked("show(texts('#run span'));", "#stage=77&seed=x&do=a0.q9.<b>.s0&lang=fr") == [
        "0 / 2"
    ]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_narrow_screen_needs_no_scrolling_sideways(tmp_path: Path, language: str) -> None:
    # No window is that narrow, but a frame in it is.
    measure = """setTimeout(() =>
        parent.postMessage([innerWidth, document.documentElement.scrollWidth], "*"), 80000);"""
    file = tmp_path / "play.html"
    file.write_text(f"{page()}<script>{measure}</script>", encoding="utf-8")
    frame = f"<iframe src='{file.as_uri()}#stage=9&seed=5&lang={language}' width=390></iframe>"
    listen = "addEventListener('message', ({ data }) => show(data));"
    inner, scrolled = result_of(f"{PLACE}<script>{LOOK}{listen}</script>{frame}")
    assert scrolled <= inner == 390


def test_each_sentence_is_there_in_both_languages() -> None:
    texts = (FOLDER / "texts.js").read_text(encoding="utf-8")
    sentences = re.findall(
        r"^  \"?([\w. ]+)\"?: \[\s*(\".*?\"),\s*(\".*?\"),?\s*\],$", texts, re.MULTILINE
    )
    assert len(sentences) == len(re.findall(r"^  \"?[\w. ]+\"?: \[", texts, re.MULTILINE)) > 90
    unlike = [key for key, english, korean in sentences if not re.search("[가-힣]", korean)]
    assert unlike == ["log.unlock"], "an SQL statement is the same in both"


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("colours", "grounds", "ratio"),
    [
        (("text", "soft"), ("page", "panel", "mark"), 4.5),
        (("text",), ("good-soft", "wait-soft", "bad-soft"), 4.5),
        (("good",), ("good-soft",), 4.5),
        (("wait",), ("wait-soft",), 4.5),
        (("bad",), ("bad-soft", "panel", "mark"), 4.5),
        (("redis", "kafka", "mysql"), ("panel",), 4.5),
        (("on-accent",), ("accent",), 4.5),
        (("accent", "edge"), ("page", "panel"), 3),
    ],
)
def test_contrasts_are_those_of_wcag_aa(
    scheme: int, colours: tuple[str, ...], grounds: tuple[str, ...], ratio: float
) -> None:
    css = (FOLDER / "play.css").read_text(encoding="utf-8")
    block = re.findall(r":root {(.*?)}", css, re.DOTALL)[scheme]
    values = dict(re.findall(r"--([\w-]+): (#\w+);", block))
    for colour in colours:
        for ground in grounds:
            assert contrast(values[colour], values[ground]) >= ratio, (colour, ground)


def contrast(one: str, other: str) -> float:
    """Return the ratio that WCAG defines for two colours."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_action_has_one_letter() -> None:
    letters = evaluate("result = schedule(1, 3000).map((action) => action[0]);")
    pattern = re.search(r"\^\[([a-z]+)\]", (FOLDER / "view.js").read_text(encoding="utf-8"))
    assert pattern
    assert set(letters) == set(pattern[1])
