"""handlers/domain/together.py: several tasks side by side, each step done as one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers.domain.together import together

if TYPE_CHECKING:
    from handlers.domain.together import Step, Way


class Doubling:
    """A step that records its input, and returns its double."""

    def __init__(self, *results: Any) -> None:
        self.asked: list[list[Any]] = []
        self._results = results

    def __call__(self, questions: list[Any]) -> list[Any]:
        self.asked.append(questions)
        return list(self._results) or [2 * question for question in questions]


class Broken(Doubling):
    """A step that returns nothing."""

    def __call__(self, questions: list[Any]) -> list[Any]:
        super().__call__(questions)
        message = "down"
        raise OSError(message)


def way(*asking: tuple[Step, Any]) -> Way[list[Any]]:
    """Run the steps one after the other; return the results, an error as its text."""
    heard: list[Any] = []
    for step, question in asking:
        try:
            heard.append((yield step, question))
        except (OSError, ValueError) as error:
            heard.append(str(error))
    return heard


def test_each_step_is_taken_once_with_the_questions_of_all_in_their_order() -> None:
    first, second = Doubling(), Doubling()
    ways = [way((first, number), (second, 10 * number)) for number in (3, 1, 2)]
    assert list(together(ways)) == [(0, [6, 60]), (1, [2, 20]), (2, [4, 40])]
    assert (first.asked, second.asked) == ([[3, 1, 2]], [[30, 10, 20]])


def test_a_result_comes_as_soon_as_it_is_there() -> None:
    first, second = Doubling(), Doubling()
    results = together([way((first, 1), (second, 1)), way(), way((first, 2))])
    assert next(results) == (1, [])
    assert first.asked == []
    assert next(results) == (2, [4])
    assert (first.asked, second.asked) == ([[1, 2]], [])
    assert list(results) == [(0, [2, 2])]


def test_an_error_among_the_results_is_raised_at_its_caller_only() -> None:
    step = Doubling(1, ValueError("not you"), 3)
    assert dict(together([way((step, number)) for number in range(3)])) == {
        0: [1],
        1: ["not you"],
        2: [3],
    }


def test_an_error_of_a_step_reaches_all_its_callers_and_no_other() -> None:
    broken, sound = Broken(), Doubling()
    ways = [way((broken, 1), (sound, 1)), way((sound, 2)), way((broken, 3), (sound, 3))]
    assert dict(together(ways)) == {0: ["down", 2], 1: [4], 2: ["down", 6]}
    assert (broken.asked, sound.asked) == ([[1, 3]], [[2], [1, 3]])


def test_ways_may_be_at_different_steps() -> None:
    left, right = Doubling(), Doubling()
    ways = [way((left, 1), (right, 2)), way((right, 3), (left, 4)), way((left, 5))]
    assert dict(together(ways)) == {0: [2, 4], 1: [6, 8], 2: [10]}
    assert (left.asked, right.asked) == ([[1, 5], [4]], [[3], [2]])


def test_a_step_that_skips_a_caller_gives_no_caller_the_result_of_another() -> None:
    step = Doubling("of the first")
    with pytest.raises(ValueError, match="zip"):
        list(together([way((step, 1)), way((step, 2))]))


def test_without_callers_no_step_runs() -> None:
    assert list(together([])) == []
