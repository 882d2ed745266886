from __future__ import annotations

from string import Formatter

import pytest

from lab.judge.promises import PROMISES
from lab.texts import SENTENCES, text


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_says_the_same_in_both_languages(key: str) -> None:
    english, korean = SENTENCES[key]
    assert english.isascii() or "“" in english
    assert fields(english) == fields(korean)
    assert korean != english or key == "exception"


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_a_title_a_fault_and_a_summary(promise: str) -> None:
    assert {promise, f"{promise}.fault", f"{promise}.seen"} <= SENTENCES.keys()


def test_a_person_has_her_name_in_the_language_of_the_sentence() -> None:
    found = text("several", user_id="kim-minji", coupons=2)
    assert found == {"en": "Kim Minji has 2 coupons.", "ko": "김민지 님은 쿠폰이 2장이다."}
