"""Reads MONITOR's output of a Redis: its scripts, and the commands that they executed, in order."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from handlers.adapters.redis.scripts import FOLDER, Script
from tests.faults.acceptor.events import Emptied, ScriptRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


LINE = re.compile(rb"^\+(\d+\.\d+) \[\d+ (\S+)\] (.*)$")
WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)")
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
EMPTYING = frozenset({"FLUSHALL", "FLUSHDB"})
# The first line of each script names it: a mutant has another digest, and the same first line.
TITLE = re.compile(r"-- ([A-Z][a-z ]*):")


class ScriptNames:
    """Knows the scripts by their digests; learns those of mutants when Redis gets their text."""

    def __init__(self) -> None:
        paths = [path for path in FOLDER.rglob("*.lua") if not _is_included(path.read_text())]
        names = [str(path.relative_to(FOLDER).with_suffix("")) for path in paths]
        sources = {name: Script(name) for name in names}
        self._by_title = {_title(script.source): name for name, script in sources.items()}
        self._by_digest = {script.digest: name for name, script in sources.items()}

    def of(self, command: str, word: str) -> str:
        """Return the script that EVALSHA or EVAL names; "" for a text that is not the service's."""
        if command == "EVALSHA":
            return self._by_digest.get(word, word)
        digest = hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest()
        name = self._by_title.get(_title(word), "")
        if name:
            self._by_digest[digest] = name
        return name


def scripts(
    lines: Iterable[bytes], names: ScriptNames, campaign_id: str
) -> Iterator[ScriptRun | Emptied | str]:
    """Yield what happened to a campaign; a str: the first argument of a script that is not ours."""
    prefix = f"coupon:{{{campaign_id}}}:"
    event: ScriptRun | Emptied | str | None = None
    for found in filter(None, map(LINE.match, lines)):
        at_s, source, text = found.groups()
        if source != b"lua":
            if event is not None:
                yield event
            event = _begun(float(at_s), text, names, prefix)
        elif isinstance(event, ScriptRun) and prefix.encode() in text:
            name, key, *words = _words(text)
            command = name, key.removeprefix(prefix), *words
            event = replace(event, commands=(*event.commands, command))
    if event is not None:
        yield event


def _begun(
    at_s: float, text: bytes, names: ScriptNames, prefix: str
) -> ScriptRun | Emptied | str | None:
    """Return what begins with this command of a client; None for what changes no campaign."""
    if text.upper().startswith(b'"FLUSH') or _is_deleted(text, prefix):
        return Emptied(at_s)
    if text.upper().startswith(b'"SCRIPT" "LOAD"'):
        names.of("EVAL", _words(text)[2])
    if not text.upper().startswith(b'"EVAL'):
        return None
    command, source, count, *words = _words(text)
    name = names.of(command, source)
    keys, args = words[: int(count)], tuple(words[int(count) :])
    if not name:
        return args[0] if args else None
    return ScriptRun(at_s, name, args, ()) if keys and keys[0].startswith(prefix) else None


def _is_deleted(text: bytes, prefix: str) -> bool:
    """Return whether a client deletes the campaign's keys, as the simulation does."""
    return text.upper().startswith(b'"DEL"') and f'"{prefix}campaign"'.encode() in text


def _words(text: bytes) -> list[str]:
    return [ESCAPE.sub(_unescaped, word).decode() for word in WORD.findall(text)]


def _unescaped(found: re.Match[bytes]) -> bytes:
    code: bytes = found[1]
    if code[:1] == b"x" and len(code) > 1:
        return bytes.fromhex(code[1:].decode())
    return ESCAPES.get(code, code)


def _title(source: str) -> str:
    found = TITLE.match(source)
    return found[1] if found else ""


def _is_included(source: str) -> bool:
    return source.startswith("-- Included:")
