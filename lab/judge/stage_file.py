"""A stage's file: loaded from its path, and every mistake in it named by its line."""

from __future__ import annotations

import importlib.util
import linecache
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pymysql
import redis
from kafka.errors import KafkaError

from handlers.domain.errors import UnavailableError
from lab.servers import PoolIsDryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType, ModuleType

ANSWERS = ("accepted", "sold out", "already applied", "try again")
# What a person notices as an error page: a server is away or busy. Anything else is a mistake.
SERVER_ERRORS = (
    pymysql.OperationalError,
    pymysql.IntegrityError,
    pymysql.InternalError,
    redis.ConnectionError,
    redis.TimeoutError,
    KafkaError,
    PoolIsDryError,
    UnavailableError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a stage's file; `line` is 0 where no single line is to blame."""

    kind: str  # a key of lab.texts
    line: int
    code: str
    detail: str


class MistakeError(Exception):
    """The stage cannot be judged until its file is corrected."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake)
        self.mistake = mistake


def load(path: Path) -> ModuleType:
    """Return the stage as a module; raise MistakeError when it is incomplete or does not run."""
    spec = importlib.util.spec_from_file_location(f"stage_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise MistakeError(Mistake("not_python", 0, "", path.name))
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        line = (error.lineno or 0) if error.filename == str(path) else 0
        raise MistakeError(
            Mistake("syntax", line, (error.text or "").strip(), error.msg)
        ) from error
    except (Exception, SystemExit) as error:
        raise MistakeError(of_exception(error, path)) from error
    for name in ("apply", "consume"):
        if not callable(getattr(module, name, None)):
            raise MistakeError(Mistake("missing", 0, "", name))
    tables = getattr(module, "TABLES", None)
    is_list = isinstance(tables, list) and all(isinstance(each, str) for each in tables)
    if not is_list and not callable(getattr(module, "prepare", None)):
        raise MistakeError(Mistake("no_tables", 0, "", "TABLES"))
    return module


def of_exception(
    error: BaseException, path: Path, function: Callable[..., Any] | None = None
) -> Mistake:
    """Return the mistake with the last line of the stage's file that the exception passed.

    function: the one that was called; it is named where the exception passed no line of the file.
    """
    lines = [
        f.lineno or 0 for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
    ]
    text = str(error) or "no message"
    line = lines[-1] if lines else _line_of(function)
    return _at("exception", path, line, f"{type(error).__name__}: {text}")


def of_answer(answer: object, function: Callable[..., Any], path: Path) -> Mistake | None:
    """Return the mistake when apply returned something else than one of the four answers."""
    if isinstance(answer, str) and answer in ANSWERS:
        return None
    return _at("wrong_answer", path, _line_of(function), repr(answer)[:80])


def of_table(statement: str, error: Exception, path: Path) -> Mistake:
    """Return the mistake with the line where a statement of TABLES begins."""
    first = statement.strip().splitlines()[0] if statement.strip() else ""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if first and first in line]
    return _at("table", path, found[0] if found else 0, str(error.args[-1]))


def of_hanging(threads: Sequence[int], path: Path, seconds: float) -> Mistake:
    """Return the mistake with the line in which the most of these threads are now."""
    frames = sys._current_frames()  # noqa: SLF001 - there is no other way to see where a thread is
    found = [frames[thread] for thread in threads if thread in frames]
    # A loop of the stage's own starves the threads that wait for an answer of a server.
    own = [frame for frame in found if frame.f_code.co_filename == str(path)]
    lines = [_line_in(frame, path) for frame in own or found]
    line = max(set(lines), key=lines.count) if lines else 0
    return _at("hang", path, line, f"{seconds:g}")


def _line_of(function: Callable[..., Any] | None) -> int:
    """Return the line where a function begins; 0 where that is not known."""
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if code else 0


def _line_in(frame: FrameType | None, path: Path) -> int:
    while frame is not None:
        if frame.f_code.co_filename == str(path):
            return frame.f_lineno
        frame = frame.f_back
    return 0


def _at(kind: str, path: Path, line: int, detail: str) -> Mistake:
    return Mistake(kind, line, linecache.getline(str(path), line).strip(), detail)
