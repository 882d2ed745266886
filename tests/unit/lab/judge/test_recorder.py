"""What is noted of a call; the kill itself is tested on real processes in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka.producer.future import RecordMetadata

from lab.judge.journal import Journal, read
from lab.judge.recorder import Recorder, _command, _mysql_call, _short

if TYPE_CHECKING:
    from pathlib import Path


class Server:
    """A client with one call that calls another, as kafka-python's and redis-py's do."""

    def outer(self, words: str) -> str:
        return self.inner(words)

    def inner(self, words: str) -> str:
        if words == "fail":
            message = "gone"
            raise ConnectionError(message)
        return f"did {words}"


def test_a_call_is_noted_once_with_its_answer_and_only_while_a_press_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "app 1")
    recorder = Recorder(journal, 0)
    for name in ("outer", "inner"):  # undone after the test
        monkeypatch.setattr(Server, name, getattr(Server, name))
        recorder._replace(Server, name, lambda _, words: ("Redis", words))
    server = Server()
    server.outer("before")
    with recorder.acting_for("kim-minji"):
        server.outer("GET x")
        with pytest.raises(ConnectionError):
            server.outer("fail")
    server.outer("after")
    journal.close()
    noted = [(call.user_id, call.text, call.answer) for call in read(tmp_path)]
    assert noted == [
        ("kim-minji", "GET x", "did GET x"),
        ("kim-minji", "fail", "ConnectionError: gone"),
    ]


def test_a_script_is_noted_without_its_text() -> None:
    assert _command(("EVAL", "return 1", 0, b"kim")) == "EVAL (the script) 0 kim"
    assert _command(("INCR", "coupon_count")) == "INCR coupon_count"


def test_a_statement_is_noted_in_one_line() -> None:
    assert _mysql_call(None, b"SELECT 1\n  FROM coupon") == ("MySQL", "SELECT 1 FROM coupon")


def test_an_answer_is_noted_as_a_reader_can_use_it() -> None:
    ack = RecordMetadata("coupon_create", 0, None, 7, 0, 0, 0, 0, 0)
    assert [_short(answer) for answer in (1, "a", b"b", [1, 2], ack, object())] == [
        "1",
        "a",
        "b",
        "[1, 2]",
        "offset 7",
        "",
    ]
