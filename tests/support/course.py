"""The course's pages: what they let a reader try, and what she is promised to see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGLISH = ROOT / "docs" / "lab.en.md"
KOREAN = ROOT / "docs" / "lab.ko.md"
SECTION = re.compile(r"^## [^\n\d]*(\d+)[^\n]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"<details>(.*?)</details>", re.DOTALL)
DIFF = re.compile(r"^```diff\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
VERDICT = re.compile(r"^- ([✓✗]) \*\*(.+?)\*\*: (.+)$", re.MULTILINE)
NUMBER = re.compile(r"~?\d[\d,]*")


class Verdict(NamedTuple):
    """What the judge says about one promise."""

    mark: str
    title: str
    seen: str  # a number after ~ differs from run to run


class Experiment(NamedTuple):
    """A stage, what is changed in its text, and what the judge then says."""

    stage: int
    changes: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]


class Look(NamedTuple):
    """A command against the servers of a held stage, and the lines that it prints."""

    command: str
    shown: str


def sections(text: str) -> dict[int, str]:
    """Return the section of each stage."""
    return {int(number): body for number, body in SECTION.findall(text)}


def experiments(text: str) -> list[Experiment]:
    """Return the answers of all questions, in order."""
    return [
        Experiment(stage, tuple(_changes(answer)), verdicts(answer))
        for stage, body in sections(text).items()
        for answer in ANSWER.findall(body)
    ]


def verdicts(text: str) -> tuple[Verdict, ...]:
    """Return the lines that say what the judge says."""
    return tuple(Verdict(*found) for found in VERDICT.findall(text))


def looks(body: str) -> list[Look]:
    """Return the commands of a section, each with what it prints."""
    found = []
    for block in CONSOLE.findall(body):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Look(command, shown.strip()))
    return found


def fits(expected: str, seen: str) -> bool:
    """Return whether words are as expected: ~7 is any number, and … any characters."""
    parts = re.split(r"(~\d[\d,]*|…)", expected)
    patterns = [
        r"\d[\d,]*" if part.startswith("~") else ".*" if part == "…" else re.escape(part)
        for part in parts
    ]
    return re.fullmatch("".join(patterns), seen, re.DOTALL) is not None


def _changes(answer: str) -> Iterator[tuple[str, str]]:
    """Yield the text before and after each change; lines between two changes are not needed."""
    for block in DIFF.findall(answer):
        for hunk in re.split(r"^@@.*\n", block, flags=re.MULTILINE):
            if lines := hunk.splitlines():
                yield _side(lines, "+"), _side(lines, "-")


def _side(lines: list[str], without: str) -> str:
    return "".join(f"{line[1:]}\n" for line in lines if not line.startswith(without))
