"""MONITOR's lines become the scripts that Redis ran, with what they executed."""

from __future__ import annotations

import hashlib

import pytest

from handlers.adapters.redis.admissions import ADMIT
from tests.faults.acceptor.events import Emptied, ScriptRun
from tests.faults.taps.monitor import ScriptNames, scripts

KEYS = [f"coupon:{{c}}:{name}" for name in ("campaign", "applied_user", "pending")]


def line(*words: str, at: str = "2.5", source: str = "127.0.0.1:9") -> bytes:
    quoted = (word.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') for word in words)
    return f"+{at} [0 {source}] ".encode() + b" ".join(f'"{word}"'.encode() for word in quoted)


def call(digest: str, *args: str) -> bytes:
    return line("EVALSHA", digest, "3", *KEYS, *args)


@pytest.fixture
def names() -> ScriptNames:
    return ScriptNames()


def test_a_script_has_its_arguments_and_its_commands(names: ScriptNames) -> None:
    lines = [
        call(ADMIT.digest, 'a"n\\n'),
        line("ZADD", KEYS[2], "5", 'a"n\\n', source="lua"),
        line("TIME", source="lua"),
        line("PING"),
    ]
    command = ("ZADD", "pending", "5", 'a"n\\n')
    run = ScriptRun(2.5, "admission/admit", ('a"n\\n',), (command,))
    assert list(scripts(lines, names, "c")) == [run]


def test_a_script_that_has_lost_a_guard_keeps_its_name(names: ScriptNames) -> None:
    mutant = ADMIT.source.replace("ZADD", "ZREM")
    digest = hashlib.sha1(mutant.encode(), usedforsecurity=False).hexdigest()
    unknown = list(scripts([call(digest)], names, "c"))
    lines = [line("EVAL", mutant, "3", *KEYS, "ann"), call(digest, "bob")]
    found = [event for event in scripts(lines, names, "c") if isinstance(event, ScriptRun)]
    assert unknown == [ScriptRun(2.5, digest, (), ())]
    assert [(run.script, run.args) for run in found] == [
        ("admission/admit", ("ann",)),
        ("admission/admit", ("bob",)),
    ]


def test_commands_of_other_campaigns_and_of_clients_are_left_out(names: ScriptNames) -> None:
    other = [key.replace("{c}", "{d}") for key in KEYS]
    lines = [
        line("EVALSHA", ADMIT.digest, "3", *other, "ann"),
        line("ZADD", other[2], "5", "ann", source="lua"),
        line("ZADD", KEYS[2], "XX", "INCR", "5", "ann"),
    ]
    assert list(scripts(lines, names, "c")) == []


def test_a_flush_is_an_event(names: ScriptNames) -> None:
    assert list(scripts([line("FLUSHALL", at="7.25")], names, "c")) == [Emptied(7.25)]


def test_a_script_of_the_engine_is_known_by_its_first_argument(names: ScriptNames) -> None:
    assert list(scripts([line("EVAL", "return 1", "0", "token")], names, "c")) == ["token"]
