"""The sentences of the page."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from lab.catalogue import STAGES
from lab.judge.promises import PROMISES
from lab.report.words import WORDS, why, word

HANGUL = re.compile(r"[가-힣]")
# The same in both languages: numbers and names.
NEUTRAL = {"stage.short", "lane.redis", "lane.kafka", "lane.mysql"}


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", WORDS)
def test_a_sentence_is_in_both_languages_and_says_the_same_values(key: str) -> None:
    english, korean = WORDS[key]
    assert fields(english) == fields(korean)
    assert not HANGUL.search(english)
    assert key in NEUTRAL or HANGUL.search(korean)


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_has_a_reason_and_a_unit(promise: str) -> None:
    assert why(promise, 0) == word(f"why.{promise}")
    assert word(f"{promise}.unit")["ko"]


def test_a_stage_may_have_a_reason_of_its_own() -> None:
    assert why("redis", 8) != why("redis", 7)
    stages = {str(stage.number) for stage in STAGES}
    own = [key.split(".")[1:] for key in WORDS if key.startswith("why.") and key.count(".") == 2]
    assert own
    assert all(promise in PROMISES and number in stages for promise, number in own)


def test_a_value_in_two_languages_is_put_in_by_language() -> None:
    title = word("timeline", name={"en": "Kim Minji", "ko": "김민지"})
    assert title == {"en": "What happened to Kim Minji", "ko": "김민지 님에게 일어난 일"}
