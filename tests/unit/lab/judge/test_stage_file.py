"""A mistake in a stage's file is named with its line, whatever it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pymysql
import pytest

from lab.catalogue import STAGES
from lab.judge.stage_file import (
    SERVER_ERRORS,
    Mistake,
    MistakeError,
    load,
    of_answer,
    of_exception,
    of_hanging,
    of_table,
)

if TYPE_CHECKING:
    from pathlib import Path

TABLES = 'TABLES = ["CREATE TABLE coupon (user_id VARCHAR(64))"]\n'
REST = "def consume(records):\n    pass\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "my_stage.py"
    file.write_text(text, encoding="utf-8")
    return file


def mistake_of(file: Path) -> Mistake:
    with pytest.raises(MistakeError) as caught:
        load(file)
    return caught.value.mistake


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.file.name)
def test_every_stage_of_the_lab_can_be_loaded(stage: object) -> None:
    assert load(stage.file)  # type: ignore[attr-defined] # a parameter has no type


@pytest.mark.parametrize(
    ("text", "kind", "line", "detail"),
    [
        ("def apply(user_id)\n    pass\n", "syntax", 1, "expected ':'"),
        ("import nowhere_at_all\n", "exception", 1, "ModuleNotFoundError"),
        ("x = 1\ny = 1 / 0\n", "exception", 2, "ZeroDivisionError"),
        ("raise SystemExit(3)\n", "exception", 1, "SystemExit: 3"),
        (TABLES + REST, "missing", 0, "apply"),
        (TABLES + "def apply(user_id):\n    pass\n", "missing", 0, "consume"),
        ("def apply(user_id):\n    pass\n" + REST, "no_tables", 0, "TABLES"),
        ("TABLES = 'x'\ndef apply(user_id):\n    pass\n" + REST, "no_tables", 0, "TABLES"),
    ],
)
def test_a_file_that_is_no_stage_is_refused_with_the_line(
    tmp_path: Path, text: str, kind: str, line: int, detail: str
) -> None:
    mistake = mistake_of(written(tmp_path, text))
    assert (mistake.kind, mistake.line) == (kind, line)
    assert detail in mistake.detail


def test_an_exception_is_at_the_last_line_of_the_file_that_it_passed(tmp_path: Path) -> None:
    body = "def apply(user_id):\n    return number(user_id)\n\n"
    body += "def number(text):\n    return int(text)\n"
    file = written(tmp_path, TABLES + body + REST)
    with pytest.raises(ValueError, match="invalid literal") as caught:
        load(file).apply("kim-minji")
    mistake = of_exception(caught.value, file)
    assert (mistake.line, mistake.code) == (6, "return int(text)")
    assert "ValueError" in mistake.detail


def test_a_call_that_does_not_fit_is_at_the_line_of_the_function(tmp_path: Path) -> None:
    file = written(tmp_path, TABLES + "def apply():\n    return 'accepted'\n" + REST)
    apply = load(file).apply
    with pytest.raises(TypeError) as caught:
        apply("kim-minji")
    mistake = of_exception(caught.value, file, apply)
    assert (mistake.line, mistake.code) == (2, "def apply():")


@pytest.mark.parametrize("answer", [None, True, 1, "yes", b"accepted"])
def test_an_answer_that_is_none_of_the_four_is_a_mistake_of_apply(
    tmp_path: Path, answer: object
) -> None:
    file = written(tmp_path, TABLES + "def apply(user_id):\n    pass\n" + REST)
    mistake = of_answer(answer, load(file).apply, file)
    assert mistake is not None
    assert (mistake.kind, mistake.line, mistake.detail) == ("wrong_answer", 2, repr(answer))
    assert of_answer("sold out", load(file).apply, file) is None


def test_a_thread_that_hangs_is_found_at_its_line(tmp_path: Path) -> None:
    body = "def apply(event):\n    event.wait()\n    return 'accepted'\n"
    file, event = written(tmp_path, TABLES + body + REST), threading.Event()
    thread = threading.Thread(target=load(file).apply, args=(event,), daemon=True)
    thread.start()
    try:
        mistake = of_hanging([thread.ident or 0], file, 9)
    finally:
        event.set()
        thread.join()
    assert mistake == Mistake("hang", 3, "event.wait()", "9")


def test_of_threads_that_hang_one_in_a_loop_of_its_own_is_named_first(tmp_path: Path) -> None:
    body = "def apply(event, done):\n    while not done:\n        pass\n"
    waits = "def wait(event, done):\n    event.wait()\n"
    file = written(tmp_path, TABLES + body + waits + REST)
    event, done = threading.Event(), list[int]()
    module = load(file)
    targets = [module.wait, module.wait, module.apply]
    threads = [threading.Thread(target=each, args=(event, done), daemon=True) for each in targets]
    for thread in threads:
        thread.start()
    idents = [thread.ident or 0 for thread in threads]
    try:
        found, waiting = of_hanging(idents, file, 9), of_hanging(idents[:2], file, 9)
    finally:
        event.set()
        done.append(1)
        for thread in threads:
            thread.join()
    assert found.line in {3, 4}
    assert waiting.line == 6


def test_a_table_that_mysql_refuses_is_found_by_its_statement(tmp_path: Path) -> None:
    file = written(tmp_path, "\n" + TABLES + REST)
    error = pymysql.ProgrammingError(1064, "near nothing")
    mistake = of_table("CREATE TABLE coupon (user_id VARCHAR(64))", error, file)
    assert (mistake.kind, mistake.line, mistake.detail) == ("table", 2, "near nothing")


def test_a_wrong_statement_is_a_mistake_and_a_server_that_is_away_is_not() -> None:
    assert not issubclass(pymysql.ProgrammingError, SERVER_ERRORS)
    assert issubclass(pymysql.OperationalError, SERVER_ERRORS)
