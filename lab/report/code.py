"""The code of a stage, highlighted, with what is new beside the stage before."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from lab.catalogue import STAGES
from lab.report.markup import both, label
from lab.report.words import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.report.records import Record

SIGNS = {"same": " ", "added": "+", "removed": "−"}


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of a difference: its kind (a key of SIGNS), its number in the new file, its HTML."""

    kind: str
    number: int | None
    html: str


def code(record: Record) -> str:
    """Return the section with the code of a stage."""
    before = stage_before(record)
    source = record["source"]
    if before is None:
        lines = [CodeLine("same", i + 1, html) for i, html in enumerate(highlighted(source))]
        caption = word("code.first", file=record["file"], lines=len(lines))
        switch = ""
    else:
        name, old = before
        lines = list(difference(old, source))
        caption = word(
            "code.compared", file=record["file"], before=name,
            added=sum(line.kind == "added" for line in lines),
            removed=sum(line.kind == "removed" for line in lines),
        )  # fmt: skip
        switch = (
            '<label class="only"><input type="checkbox" data-only-changes> '
            f"{both(word('code.only_changes'))}</label>"
        )
    rows = "".join(map(_row, lines))
    return (
        f'<div class="code"><p class="code-head">{both(caption)} {switch}</p>'
        f'<pre tabindex="0" role="region" {label(caption)}><code>{rows}</code></pre></div>'
    )


def stage_before(record: Record) -> tuple[str, str] | None:
    """Return file name and source to compare with: the stage before, or the nearest to a reader's.

    The lab's own file is taken where that stage is not recorded; it is the same.
    """
    if record["stage"] == 1:
        return None
    if record["stage"]:
        file = STAGES[record["stage"] - 2].file
        return file.name, file.read_text(encoding="utf-8")
    sources = [(stage.file.name, stage.file.read_text(encoding="utf-8")) for stage in STAGES]
    return max(sources, key=lambda one: SequenceMatcher(None, one[1], record["source"]).ratio())


def difference(old: str, new: str) -> Iterator[CodeLine]:
    """Yield the lines of `new`, and between them those that it does not have any more."""
    old_html, new_html = highlighted(old), highlighted(new)
    matcher = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag != "equal":
            yield from (CodeLine("removed", None, html) for html in old_html[old_from:old_to])
        kind = "same" if tag == "equal" else "added"
        for number in range(new_from, new_to):
            yield CodeLine(kind, number + 1, new_html[number])


def highlighted(source: str) -> Sequence[str]:
    """Return the HTML of each line; a string of several lines is closed and opened at each."""
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    html: str = highlight(source, lexer, HtmlFormatter(nowrap=True))
    lines = html.split("\n")
    count = len(source.splitlines())
    if len(lines) < count:  # a line ends otherwise: a form feed, U+2028
        return [escape(line) for line in source.splitlines()]
    return lines[:count]


def _row(line: CodeLine) -> str:
    number = "" if line.number is None else str(line.number)
    return (
        f'<span class="line {line.kind}"><span class="number">{number}</span>'
        f'<span class="sign">{SIGNS[line.kind]}</span>{line.html}\n</span>'
    )
