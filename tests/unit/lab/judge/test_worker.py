"""A process of a stage says what is wrong in the stage's own functions, and where."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest

from lab.judge import worker
from lab.judge.stage_file import Mistake
from lab.judge.worker import Folders, Order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

ANSWER_S_MAX = 60
REST = """
def apply(user_id):
    return "accepted"

def consume(records):
    pass
"""


def work(order: Order, pipe: Connection) -> None:
    worker.HANG_S = 0.5
    worker.main(order, pipe)


@pytest.fixture
def pipe(tmp_path: Path, text: str) -> Iterator[Connection]:
    """Start a process of the stage with this text; it is served through the pipe."""
    file = tmp_path / "my_stage.py"
    file.write_text(text + REST, encoding="utf-8")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    folders = Folders(tmp_path, tmp_path)
    order = Order(str(file), "app 1", {}, folders, 0)
    process = context.Process(target=work, args=(order, theirs), daemon=True)
    process.start()
    theirs.close()
    yield ours
    process.kill()
    process.join()


def answer(pipe: Connection) -> tuple[Mistake | None, Any]:
    assert pipe.poll(ANSWER_S_MAX)
    found: tuple[Mistake | None, Any] = pipe.recv()
    return found


@pytest.mark.parametrize("text", ["TABLES = []\nwhile True:\n    pass\n"], ids=["endless loop"])
def test_an_import_that_does_not_end_is_named_with_its_line(pipe: Connection) -> None:
    mistake, _ = answer(pipe)
    assert mistake
    assert (mistake.kind, mistake.detail) == ("hang", "0.5")
    assert mistake.line in {2, 3}


@pytest.mark.parametrize("text", ["def prepare():\n    return 1 / 0\n"], ids=["division"])
def test_an_exception_in_prepare_is_named_with_its_line(pipe: Connection) -> None:
    assert answer(pipe) == (None, None)
    pipe.send(("prepare", ()))
    mistake = Mistake("exception", 2, "return 1 / 0", "ZeroDivisionError: division by zero")
    assert answer(pipe) == (mistake, None)


@pytest.mark.parametrize("text", ["TABLES = []\n"], ids=["no mistake"])
def test_control_a_stage_without_a_mistake_is_served(pipe: Connection) -> None:
    assert answer(pipe) == (None, None)
    pipe.send(("traits", ()))
    mistake, traits = answer(pipe)
    assert mistake is None
    assert (traits.tables, traits.has_clock) == ([], False)
