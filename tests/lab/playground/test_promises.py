"""The lamps of the playground: each stage breaks there what the judge of the lab finds broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.playground.browser import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = 3000
# The promises that break at any moment of any seed, by stage.
BROKEN = """
const brokenWith = (left_out) => {
  const found = Object.fromEntries([4, 5, 6, 7, 8, 9].map((stage) => [stage, new Set()]));
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const world = new World(4 + (seed % 6));
    for (const action of schedule(seed).filter(([letter]) => !left_out.includes(letter))) {
      world.act(action);
      promises(world).filter(({ state }) => state === "broken")
        .forEach(({ name }) => found[world.stage].add(name));
    }
  }
  return Object.fromEntries(Object.entries(found).map(([stage, names]) => [stage, [...names]]));
};
"""


def broken(
    left_out: str, change: Callable[[str], str] = lambda source: source
) -> dict[int, set[str]]:
    script = f"const SEEDS = {SEEDS}; {BROKEN} result = brokenWith('{left_out}');"
    return {int(stage): set(names) for stage, names in evaluate(script, change).items()}


def test_while_redis_forgets_nothing_each_stage_breaks_less_than_the_one_before() -> None:
    assert broken("r") == {
        4: {"answered", "crash"},
        5: {"kept", "crash", "one_each", "quota"},
        6: {"kept", "crash", "one_each", "quota"},
        7: {"kept", "one_each", "quota"},
        8: set(),
        9: set(),
    }


def test_the_example_of_each_stage_breaks_its_own_promise_and_that_of_seonchak_keeps_all() -> None:
    script = """
    result = [4, 5, 6, 7, 8, 9].map((stage) => {
      const world = replay(stage, EXAMPLES[stage]);
      const broken = promises(world).filter(({ state }) => state !== "kept").map((one) => one.name);
      return [stage, world.running.length, broken, world.mysql.coupon.length];
    });"""
    assert evaluate(script) == [
        [4, 0, ["answered"], 0],
        [5, 0, ["kept"], 0],
        [6, 0, ["crash"], 0],
        [7, 0, ["kept"], 0],
        [8, 0, ["kept"], 1],
        [9, 0, [], 2],
    ]


def test_only_seonchak_keeps_every_promise_when_redis_forgets() -> None:
    found = broken("")
    assert found[9] == set()
    assert "kept" in found[8]
    assert all(found[stage] >= {"one_each", "quota"} for stage in range(4, 8))


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('if (!isOpen(keys, world)) return { outcome: "STALE" };', ""),
        ("if (yield confirm(coupon)) return outcome;", "return outcome;"),
    ],
    ids=["no epoch", "no confirmation"],
)
def test_control_without_a_guard_seonchak_breaks_one(line: str, changed: str) -> None:
    def change(source: str) -> str:
        assert source.count(line) == 1
        return source.replace(line, changed)

    assert broken("", change)[9]
