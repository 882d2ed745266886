"""handlers/log.py: one JSON line each, without secrets."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from handlers import log
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from tests.unit.conftest import LogLines

SECRET = "hunter2"


def fail() -> None:
    message = f"Access denied for root using {SECRET}\nsecond line"
    raise OSError(message)


def test_a_line_is_one_json_object_on_standard_error(
    capsys: pytest.CaptureFixture[str], logged: LogLines
) -> None:
    log.LOGGER.handlers.clear()  # as in a process that has not logged yet
    log.info("what\nhappened", {"campaign_id": "welcome", "text": "쿠폰\n", "bytes": b"\xff"})
    log.LOGGER.handlers.clear()
    out, err = capsys.readouterr()
    assert (out, logged.text) == ("", "")
    assert err.count("\n") == 1
    line = json.loads(err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "INFO",
        "message": "what\nhappened",
        "campaign_id": "welcome",
        "text": "쿠폰\n",
        "bytes": "b'\\xff'",
    }


def test_an_exception_is_logged_by_kind_and_line_and_never_by_its_text(logged: LogLines) -> None:
    try:
        fail()
    except OSError:
        log.exception("it failed", {"server": "mysql"})
    [line] = logged.lines
    assert (line["level"], line["error"], line["server"]) == ("ERROR", "OSError", "mysql")
    assert line["stack"][-1].endswith(" fail")
    assert SECRET not in logged.text


def test_an_exception_that_was_caught_before_is_logged_the_same_way(logged: LogLines) -> None:
    with pytest.raises(OSError, match=SECRET) as caught:
        fail()
    log.exception("it failed", {}, caught.value)
    [line] = logged.lines
    assert (line["level"], line["error"]) == ("ERROR", "OSError")
    assert line["stack"][-1].endswith(" fail")
    assert SECRET not in logged.text


def test_an_outage_says_in_our_own_words_what_is_wrong(logged: LogLines) -> None:
    log.exception("it failed", {}, UnavailableError("MySQL gave no answer (error 1114)"))
    [line] = logged.lines
    assert line["detail"] == "MySQL gave no answer (error 1114)"


def test_each_level_has_its_name(logged: LogLines) -> None:
    log.info("a", {})
    log.warning("b", {})
    log.error("c %s {}", {})
    assert [(line["level"], line["message"]) for line in logged.lines] == [
        ("INFO", "a"),
        ("WARNING", "b"),
        ("ERROR", "c %s {}"),
    ]


def test_a_line_is_not_repeated_by_a_handler_of_the_root_logger(
    logged: LogLines, capsys: pytest.CaptureFixture[str]
) -> None:
    log.LOGGER.handlers.clear()
    log.LOGGER.propagate = True  # as in a process that has not logged yet
    root = logging.StreamHandler(logged.stream)  # as Lambda has one
    logging.getLogger().addHandler(root)
    try:
        log.info("once", {})
    finally:
        logging.getLogger().removeHandler(root)
        log.LOGGER.handlers.clear()
    assert not logged.text
    assert capsys.readouterr().err.count("once") == 1


def test_text_that_utf_8_cannot_hold_is_logged_all_the_same() -> None:
    record = logging.LogRecord("seonchak", logging.INFO, "file", 1, "\ud800", None, None)
    record.fields = {"campaign_id": "\udfff"}
    line = log.JsonFormatter().format(record)
    assert line.isascii()
    assert json.loads(line)["campaign_id"] == "\udfff"
