"""python -m tests.fuzz.campaign: what a person and a script see of it."""

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
    def one_answer(requests: int, tally: Tally, _folder: Path) -> None:
        tally.requested("wire", requests)
        tally.answered("wire", 200)
        tally.blame("wire", "GET /health", faults)

    monkeypatch.setattr(campaign, "_run", one_answer)
    return campaign.main(["--requests=7", "--seed=3", f"--json={folder / 'result.json'}"])


def test_without_a_fault_the_exit_code_is_0_and_the_figures_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, []) == 0
    told = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (told["seed"], told["requests"], told["fault_count"]) == (3, {"wire": 7}, 0)
    assert told["answers"] == {"wire 200": 1}
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
def test_what_cuts_it_short_is_told_by_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, code: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(campaign, "_run", fail)
    assert campaign.main([f"--json={tmp_path / 'result.json'}"]) == code


@pytest.mark.parametrize("number", ["0", "-1", "many", "99999999999"])
def test_a_number_of_requests_that_makes_no_sense_is_refused(number: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        campaign.main([f"--requests={number}"])
    assert stopped.value.code == 2
