"""How the acts of histories ended, for the tally."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.faults.engine.actors import Answer


class ActCounts(NamedTuple):
    """Of one verb, the requests.

    again: after which the actor did not know, or was too early, and almost always asked again.
    """

    done: int = 0
    refused: int = 0
    again: int = 0

    def plus(self, other: ActCounts) -> ActCounts:
        """Return the sums."""
        return ActCounts(*map(sum, zip(self, other, strict=True)))


def counted(answers: Iterable[Answer]) -> dict[str, ActCounts]:
    """Return how the requests of each verb were answered."""
    found: dict[str, ActCounts] = {}
    for one in answers:
        is_again = one.is_undecided or one.is_not_yet
        counts = ActCounts(one.is_done, not one.is_done and not is_again, is_again)
        found[one.act.verb] = found.get(one.act.verb, ActCounts()).plus(counts)
    return found


def total(each: Iterable[Mapping[str, ActCounts]]) -> dict[str, ActCounts]:
    """Return the sums by verb."""
    found: dict[str, ActCounts] = {}
    for counts in each:
        for verb, of_verb in counts.items():
            found[verb] = found.get(verb, ActCounts()).plus(of_verb)
    return dict(sorted(found.items()))


def table(counts: Mapping[str, ActCounts]) -> Sequence[str]:
    """Return the lines of a table."""
    if not counts:
        return []
    lines = [f"{verb:34}{of.done:8}{of.refused:11}{of.again:8}" for verb, of in counts.items()]
    return [f"{'act':34}{'done':>8}{'refused':>11}{'again':>8}", *lines, ""]
