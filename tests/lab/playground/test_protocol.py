"""The playground does what the stages' own files do, and seonchak's own handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from tests.lab.playground.browser import evaluate
from tests.lab.playground.reference import digests, stage_of
from tests.lab.playground.schedule import schedule
from tests.lab.playground.seonchak_cluster import PlaygroundCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.config import Settings

    Reference = dict[int, list[int]]

SEEDS = 1000
PLAY = """
const table = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) => {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
};
const encoder = new TextEncoder();
const play = (seed) => {
  const world = new World(4 + (seed % 6));
  return schedule(seed).map((action) => {
    try {
      return crc32(encoder.encode(JSON.stringify(world.act(action).snapshot())));
    } catch (error) {
      return `${error}`;
    }
  });
};
"""
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def reference(settings: Settings) -> Iterator[Reference]:
    wiring.reset()
    with PlaygroundCluster(settings) as cluster:
        yield digests(cluster, range(SEEDS))


def played(change: Callable[[str], str] = lambda source: source) -> list[list[Any]]:
    script = f"{PLAY} result = Array.from({{ length: {SEEDS} }}, (_, seed) => play(seed));"
    found: list[list[Any]] = evaluate(script, change)
    return found


def differences(reference: Reference, found: list[list[Any]]) -> list[str]:
    """Return for each seed that differs its first action after which the states differ."""
    different = []
    for seed, expected in reference.items():
        if found[seed] != expected:
            place = next(n for n, one in enumerate(expected) if found[seed][n] != one)
            actions = ".".join(schedule(seed)[: place + 1])
            different.append(f"seed {seed}, play.html#stage={stage_of(seed)}&do={actions}")
    return different


def test_a_seed_draws_the_same_actions_in_both_languages() -> None:
    script = "result = Array.from({ length: 20 }, (_, seed) => schedule(seed * 214748364));"
    assert evaluate(script) == [schedule(seed * 214748364) for seed in range(20)]


def test_after_each_action_of_1000_seeds_both_have_the_same_state(reference: Reference) -> None:
    assert len(reference) == SEEDS
    assert differences(reference, played()) == []


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('  keys.pending[user] = now;\n  return "accepted";', '  return "accepted";'),
        ("    if (yield confirm(coupon)) return outcome;", "    return outcome;"),
        ("keys.fence === fence ? 1 : 0", "1"),
        ("if (fate || !items", "if (!items"),
    ],
    ids=["stage 7 notes no pending", "stage 9 confirms nothing", "no fence", "every ack arrives"],
)
def test_control_one_changed_line_of_the_protocol_is_noticed(
    reference: Reference, line: str, changed: str
) -> None:
    def change(source: str) -> str:
        assert source.count(line) == 1
        return source.replace(line, changed)

    assert differences(reference, played(change))
