"""locustfile.py in Locust itself, against a fake service with the responses that a test sets."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from local.harness.responses import ALREADY_APPLIED, SOLD_OUT
from local.load.responses import ISSUED, Endpoint
from local.load.session_log import FILES, LoadResult
from tests.load.fake_service import HANG_UP, SILENT, fake_service
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.load.fake_service import Response

TIMEOUT_S = 60
LOCUSTFILE = ROOT / "local" / "load" / "locustfile.py"
WON_BEFORE: Response = (200, {"outcome": ALREADY_APPLIED, "user_id": "user-1", "serial": 1})
SOLD: Response = (409, {"code": SOLD_OUT})
BUSY: Response = (503, {"code": "UNAVAILABLE"})
BROKEN: Response = (500, {"code": "INTERNAL"})


def locust(url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    load = ("--countdown", "1", "--hang-ups", "0", *options)
    paths = (
        "--locustfile",
        str(LOCUSTFILE),
        "--host",
        url,
        "--days",
        str(folder),
        "--html",
        str(folder / "report.html"),
    )
    return subprocess.run(
        [sys.executable, "-m", "locust", "--headless", "--only-summary", *paths, *load],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def load_result(folder: Path) -> LoadResult:
    [file] = folder.glob(FILES)
    return LoadResult.read(file)


def test_a_broken_connection_and_a_503_are_followed_by_another_apply(tmp_path: Path) -> None:
    with fake_service((HANG_UP, {}), BUSY, WON_BEFORE) as service:
        done = locust(service.url, tmp_path, "--exit-code-on-error", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    [session] = load_result(tmp_path).sessions
    lost, busy, won = session.responses[:3]
    assert lost.outcome == "no answer (HTTPConnectionClosed)"
    assert busy.outcome == "503 UNAVAILABLE"
    assert won.sent_s - busy.latency_s >= 1.0
    assert (won.outcome, won.serial) == (ALREADY_APPLIED, 1)
    assert (session.state, session.code, session.wrong, session.left) == (ISSUED, "CODE", [], True)
    [apply] = [timing for timing in load_result(tmp_path).timings if timing.name == Endpoint.APPLY]
    assert apply.failures == 1
    assert "<html" in (tmp_path / "report.html").read_text()


def test_a_user_who_hangs_up_applies_again_and_that_is_not_a_failure(tmp_path: Path) -> None:
    with fake_service((SILENT, {}), WON_BEFORE) as service:
        done = locust(service.url, tmp_path, "--hang-ups", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    result = load_result(tmp_path)
    outcomes = [each.outcome for each in result.sessions[0].responses]
    assert outcomes[:2] == ["no answer (hung up)", ALREADY_APPLIED]
    counted = {timing.name: (timing.count, timing.failures) for timing in result.timings}
    assert counted[Endpoint.APPLY] == (len(outcomes) - 1, 0)
    assert counted[f"{Endpoint.APPLY} (hung up)"] == (1, 0)


def test_a_response_that_no_user_should_get_is_a_failure_to_locust(tmp_path: Path) -> None:
    with fake_service(BROKEN) as service:
        done = locust(service.url, tmp_path)
    assert done.returncode == 1
    assert load_result(tmp_path).sessions[0].wrong == ["POST /campaigns/{id}/apply: 500 INTERNAL"]
    assert "POST /campaigns/{id}/apply: 500 INTERNAL" in done.stdout + done.stderr


def test_a_refusal_is_not_a_failure_and_every_user_is_different(tmp_path: Path) -> None:
    with fake_service(SOLD) as service:
        done = locust(service.url, tmp_path, "--users", "20", "--spawn-rate", "20")
        assert len(service.applies) == 20
    assert done.returncode == 0, done.stdout + done.stderr
    result = load_result(tmp_path)
    assert result.ended
    assert len({session.user for session in result.sessions}) == 20
    assert "20 sold out, 0 without an answer, 20 left" in done.stdout


def test_without_a_campaign_no_result_is_written(tmp_path: Path) -> None:
    done = locust("http://127.0.0.1:9", tmp_path)
    assert done.returncode == 2
    assert "http://127.0.0.1:9 does not answer" in done.stdout
    assert list(tmp_path.glob(FILES)) == []
