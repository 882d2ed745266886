"""python -m tests.fuzz.campaign: its output and its exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.servers import ServerError
from tests.fuzz import campaign

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fuzz.tally import Tally


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, faults: list[str]) -> int:
    def one_response(requests: int, _hoard: int, tally: Tally, _folder: Path) -> None:
        tally.requested("wire", requests)
        tally.responded("wire", 200)
        tally.blame("wire", "GET /health", faults)

    monkeypatch.setattr(campaign, "_run", one_response)
    return campaign.main(["--requests=7", "--seed=3", f"--json={folder / 'result.json'}"])


def test_without_a_fault_the_exit_code_is_0_and_the_metrics_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, []) == 0
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (result["seed"], result["requests"], result["fault_count"]) == (3, {"wire": 7}, 0)
    assert result["answers"] == {"wire 200": 1}
    out = capsys.readouterr().out
    assert "seed 3" in out
    assert "7 requests in 0 s, 0 answers at fault" in out


def test_a_fault_is_shown_with_its_seed_and_makes_the_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, ["status 500"]) == 1
    out = capsys.readouterr().out
    assert "wire: status 500\n  GET /health" in out
    assert "make fuzz N=7 SEED=3" in out


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (ServerError("no"), 2)])
def test_the_exit_code_reports_what_interrupted_the_campaign(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, code: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(campaign, "_run", fail)
    assert campaign.main([f"--json={tmp_path / 'result.json'}"]) == code


@pytest.mark.parametrize("number", ["0", "-1", "many", "99999999999"])
def test_an_invalid_number_of_requests_is_refused(number: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        campaign.main([f"--requests={number}"])
    assert stopped.value.code == 2
