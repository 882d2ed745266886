"""locustfile.py in Locust itself, against a shop that says what a test wants it to say."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from local.harness.responses import ALREADY_APPLIED, SOLD_OUT
from local.load.responses import ISSUED, Endpoint
from local.load.session_log import FILES, LoadResult
from tests.load.shop import HANG_UP, SILENT, open_shop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.shop import ResponseStats

TIMEOUT_S = 60
WON_BEFORE: ResponseStats = (200, {"outcome": ALREADY_APPLIED, "user_id": "user-1", "serial": 1})
SOLD: ResponseStats = (409, {"code": SOLD_OUT})
BUSY: ResponseStats = (503, {"code": "UNAVAILABLE"})
BROKEN: ResponseStats = (500, {"code": "INTERNAL"})


def locust(url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    crowd = ("--countdown", "1", "--hang-ups", "0", *options)
    places = ("--host", url, "--days", str(folder), "--html", str(folder / "report.html"))
    return subprocess.run(
        [sys.executable, "-m", "locust", "--headless", "--only-summary", *places, *crowd],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def the_day(folder: Path) -> LoadResult:
    [file] = folder.glob(FILES)
    return LoadResult.read(file)


def test_a_broken_connection_and_a_503_are_followed_by_another_press(tmp_path: Path) -> None:
    with open_shop((HANG_UP, {}), BUSY, WON_BEFORE) as shop:
        done = locust(shop.url, tmp_path, "--exit-code-on-error", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    [session] = the_day(tmp_path).sessions
    lost, busy, won = session.answers[:3]
    assert lost.outcome == "no answer (HTTPConnectionClosed)"
    assert busy.outcome == "503 UNAVAILABLE"
    assert won.sent_s - busy.latency_s >= 1.0
    assert (won.outcome, won.serial) == (ALREADY_APPLIED, 1)
    assert (session.state, session.code, session.wrong, session.left) == (ISSUED, "CODE", [], True)
    [presses] = [timing for timing in the_day(tmp_path).timings if timing.name == Endpoint.APPLY]
    assert presses.failures == 1
    assert "<html" in (tmp_path / "report.html").read_text()


def test_whoever_hangs_up_presses_again_and_that_is_no_failure(tmp_path: Path) -> None:
    with open_shop((SILENT, {}), WON_BEFORE) as shop:
        done = locust(shop.url, tmp_path, "--hang-ups", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    day = the_day(tmp_path)
    told = [answer.outcome for answer in day.sessions[0].answers]
    assert told[:2] == ["no answer (hung up)", ALREADY_APPLIED]
    counted = {timing.name: (timing.count, timing.failures) for timing in day.timings}
    assert counted[Endpoint.APPLY] == (len(told) - 1, 0)
    assert counted[f"{Endpoint.APPLY} (hung up)"] == (1, 0)


def test_an_answer_that_nobody_should_get_is_a_failure_to_locust(tmp_path: Path) -> None:
    with open_shop(BROKEN) as shop:
        done = locust(shop.url, tmp_path)
    assert done.returncode == 1
    assert the_day(tmp_path).sessions[0].wrong == ["POST /campaigns/{id}/apply: 500 INTERNAL"]
    assert "POST /campaigns/{id}/apply: 500 INTERNAL" in done.stdout + done.stderr


def test_a_refusal_is_no_failure_and_everybody_is_somebody_else(tmp_path: Path) -> None:
    with open_shop(SOLD) as shop:
        done = locust(shop.url, tmp_path, "--users", "20", "--spawn-rate", "20")
        assert len(shop.presses) == 20
    assert done.returncode == 0, done.stdout + done.stderr
    day = the_day(tmp_path)
    assert day.ended
    assert len({session.user for session in day.sessions}) == 20
    assert "20 sold out, 0 without an answer, 20 left" in done.stdout


def test_without_a_campaign_there_is_no_day(tmp_path: Path) -> None:
    done = locust("http://127.0.0.1:9", tmp_path)
    assert done.returncode == 2
    assert "http://127.0.0.1:9 does not answer" in done.stdout
    assert list(tmp_path.glob(FILES)) == []
