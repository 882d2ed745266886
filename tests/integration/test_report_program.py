"""`python -m local.report` on a real MySQL."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from local.report import __main__ as program
from tests.support.life import change_coupon, insert_coupon
from tests.support.service import ADMIN, ask, create_campaign

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.config import Settings


@pytest.fixture
def sale(service: Settings, campaign_id: str) -> str:
    create_campaign(campaign_id, quantity=3)
    for serial in (1, 2, 3):
        insert_coupon(service, campaign_id, serial, f"2026-11-22 03:00:00.00{serial}")
    change_coupon(service, campaign_id, 1, "state = 'USED', used_at = '2026-11-22 04:00:00.001'")
    return campaign_id


def test_it_says_what_the_http_call_says_and_draws_it(
    sale: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([sale, "-o", str(tmp_path)]) == 0
    folder = tmp_path / sale
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["report.json", "report.png", "report.svg"]
    written = json.loads((folder / "report.json").read_text())
    call = "GET /campaigns/{id}/report"
    assert written == ask(call, sale, user="admin", scope=ADMIN).body
    assert written["states"] == {"ISSUED": 2, "RESERVED": 0, "USED": 1, "EXPIRED": 0, "REVOKED": 0}
    output = capsys.readouterr().out
    assert f"{sale}: 3 coupons of 3, sold out" in output
    assert "median 60 minutes" in output
    assert output.endswith(f"{folder}: report.json, report.svg, report.png\n")


def test_json_alone_needs_no_picture_and_writes_no_file(
    sale: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "local.report.plot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert program.main([sale, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["coupons"] == 3
    assert list(tmp_path.iterdir()) == []
    assert program.main([sale]) == 1
    assert "--json needs none" in capsys.readouterr().err


def test_a_campaign_that_does_not_exist_is_a_wrong_argument(
    service: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert service.stage == "local"
    assert program.main([campaign_id]) == 2
    assert "There is no campaign of that id" in capsys.readouterr().err


def test_without_mysql_there_is_no_report(
    service: Settings,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert service.stage == "local"
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hush@127.0.0.1:1/nowhere")
    assert program.main([campaign_id]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("No report: MySQL gave no answer")
    assert "hush" not in errors
