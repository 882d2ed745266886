"""Several requests side by side on the same way, each step taken by all of them at once.

What takes one request a round trip takes a hundred hardly more. A way is written for one request,
as a generator: it yields what it asks and of whom, and is sent the answer. So the one who reads it
sees a request's course from above to below, and nobody has to write it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")

# Takes the questions of all who stand at this step; returns as many answers, in their order. One
# that is an exception is raised at the one who asked, and one that is raised here at all of them.
Step = Callable[[list[Any]], Sequence[Any]]
Way = Generator[tuple[Step, Any], Any, Result]


def together(ways: Sequence[Way[Result]]) -> Iterator[tuple[int, Result]]:
    """Yield the place of each way with its result, as soon as it has come to its end.

    A way must handle whatever is raised at it; what it lets through ends all the others.
    """
    answered: list[tuple[int, Way[Result], Any]] = [
        (place, way, None) for place, way in enumerate(ways)
    ]
    while answered:
        waiting: dict[Step, list[tuple[int, Way[Result], Any]]] = {}
        for place, way, answer in answered:
            try:
                step, question = _go_on(way, answer)
            except StopIteration as end:
                yield place, end.value
            else:
                waiting.setdefault(step, []).append((place, way, question))
        answered = [
            (place, way, answer)
            for step, askers in waiting.items()
            for (place, way, _), answer in zip(askers, _answers(step, askers), strict=True)
        ]


def _go_on(way: Way[Result], answer: Any) -> tuple[Step, Any]:
    return way.throw(answer) if isinstance(answer, Exception) else way.send(answer)


def _answers(step: Step, askers: Sequence[tuple[int, Way[Result], Any]]) -> Sequence[Any]:
    try:
        return step([question for _, _, question in askers])
    except Exception as error:  # noqa: BLE001 - whose it is, each of them says by itself
        return [error] * len(askers)
