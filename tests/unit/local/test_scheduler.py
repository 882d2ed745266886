"""The scheduler's clockwork, without servers."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from handlers.domain.errors import UnavailableError
from local.scheduler import Job, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from local.lambda_context import LambdaContext

WAIT_S = 30.0


def test_a_function_that_takes_long_holds_up_no_other() -> None:
    stop, let_go, calls = Event(), Event(), list[str]()

    def slow(*_: Any) -> dict[str, Any]:
        assert let_go.wait(WAIT_S)
        return {}

    def quick(*_: Any) -> dict[str, Any]:
        calls.append("quick")
        if len(calls) == 3:
            let_go.set()
            stop.set()
        return {}

    run([Job("slow", slow, 0.01), Job("quick", quick, 0.01)], stop)
    assert calls == ["quick"] * 3


def test_a_run_that_fails_is_logged_and_the_next_one_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop, calls = Event(), list[int]()

    def failing(*_: Any) -> dict[str, Any]:
        calls.append(1)
        if len(calls) == 2:
            stop.set()
        message = "no answer"
        raise OSError(message)

    run([Job("failing", failing, 0.01)], stop)
    assert len(calls) == 2
    log = capsys.readouterr().err
    assert log.count('"error": "OSError"') == 2
    assert "no answer" not in log  # a driver's text may quote its input


def test_a_run_that_fails_with_an_error_of_ours_is_logged_with_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing(*_: Any) -> dict[str, Any]:
        message = "MySQL gave no answer (its error 1290)"
        raise UnavailableError(message)

    assert not Job("failing", failing, 0.01).run_once()
    assert '"detail": "MySQL gave no answer (its error 1290)"' in capsys.readouterr().err


def test_the_heartbeat_has_the_time_of_the_function_that_was_seen_longest_ago(
    tmp_path: Path,
) -> None:
    stop, let_go, heartbeat = Event(), Event(), tmp_path / "heartbeat"

    def hanging(*_: Any) -> dict[str, Any]:
        if hung.seen_at:
            assert let_go.wait(WAIT_S)
        return {}

    def quick(*_: Any) -> dict[str, Any]:
        return {}

    def is_dated_to_the_hanging_one() -> bool:
        return heartbeat.exists() and heartbeat.stat().st_mtime == pytest.approx(
            hung.seen_at, abs=0.001
        )

    hung, lively = Job("hanging", hanging, 0.01), Job("quick", quick, 0.01)
    thread = Thread(target=run, args=([hung, lively], stop, heartbeat))
    thread.start()
    try:
        eventually(lambda: lively.seen_at > hung.seen_at + 0.1 > 0.1, "one hangs, one runs")
        eventually(is_dated_to_the_hanging_one, "the date of the hanging one")
    finally:
        let_go.set()
        stop.set()
        thread.join(WAIT_S)


def test_a_long_function_is_seen_while_it_asks_for_its_time_and_no_longer(tmp_path: Path) -> None:
    stop, let_go, hangs, heartbeat = Event(), Event(), Event(), tmp_path / "heartbeat"

    def rebuilding(_: Any, context: LambdaContext) -> dict[str, Any]:
        while not let_go.wait(0.005):
            if not hangs.is_set():
                assert context.get_remaining_time_in_millis() > 0
        return {}

    def quick(*_: Any) -> dict[str, Any]:
        return {}

    def dated_at() -> float:
        return heartbeat.stat().st_mtime if heartbeat.exists() else 0.0

    long, lively = Job("long", rebuilding, 0.01), Job("quick", quick, 0.01)
    thread = Thread(target=run, args=([long, lively], stop, heartbeat))
    thread.start()
    try:
        eventually(dated_at, "the date of a function that has never ended")
        first = dated_at()
        eventually(lambda: dated_at() > first + 0.1, "a later date, as it makes progress")
        hangs.set()
        eventually(lambda: lively.seen_at > long.seen_at + 0.1, "one hangs, one runs")
        assert dated_at() == pytest.approx(long.seen_at, abs=0.001)
    finally:
        let_go.set()
        stop.set()
        thread.join(WAIT_S)
