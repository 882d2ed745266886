"""local/json_log.py: what libraries and dying threads write becomes a JSON line, too."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from handlers.log import error_fields
from local.json_log import configure_json_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Undo what a program does once for its whole life."""
    hooks = sys.excepthook, threading.excepthook, logging.root.handlers[:]
    yield
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook, logging.root.handlers[:] = hooks


def line_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert SECRET not in err
    line: dict[str, Any] = json.loads(err)
    return line


def fail() -> None:
    message = f"Access denied\nusing {SECRET}"
    raise OSError(message)


def test_a_library_speaks_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_json_logging()
    try:
        fail()
    except OSError:
        logging.getLogger("kafka.conn").exception("no\nconnection")
    line = line_of(capsys)
    assert (line["level"], line["message"], line["error"]) == (
        "ERROR",
        "no\nconnection",
        "OSError",
    )


def test_a_warning_is_a_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_json_logging()
        warnings.warn("old", UserWarning, stacklevel=1)
    assert "old" in line_of(capsys)["message"]


def test_a_failed_thread_is_logged_with_its_name_and_stack_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_json_logging()
    thread = threading.Thread(target=fail, name="warm-up")
    thread.start()
    thread.join()
    line = line_of(capsys)
    assert (line["thread"], line["error"]) == ("warm-up", "OSError")
    assert line["stack"][-1].endswith(" fail")


def test_a_failed_program_is_logged_with_type_and_stack_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_json_logging()
    with pytest.raises(OSError, match=SECRET) as caught:
        fail()
    sys.excepthook(caught.type, caught.value, caught.tb)
    assert line_of(capsys)["error"] == "OSError"
    assert error_fields(caught.value)["error"] == "OSError"
