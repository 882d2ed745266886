"""The whole list of winners as a file."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from handlers.consume import consume_handler
from local import export
from tests.support.service import create_campaign, kafka_event, message

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.config import Settings


def test_all_winners_are_written_by_serial_over_several_pages(
    service: Settings, campaign_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=25)
    consume_handler(kafka_event(message(campaign_id, f"u{n}", n) for n in range(25, 0, -1)), None)
    monkeypatch.setattr(export, "LIMIT_MAX", 10)
    file = tmp_path / "winners.csv"
    assert export.main([campaign_id, "-o", str(file)]) == 0
    with file.open(encoding="utf-8", newline="") as text:
        table = list(csv.DictReader(text))
    assert [(line["serial"], line["user_id"]) for line in table] == [
        (str(n), f"u{n}") for n in range(1, 26)
    ]
    assert {len(line["code"]) for line in table} == {16}
    assert list(tmp_path.iterdir()) == [file]


def test_a_campaign_without_winners_is_a_header_alone(
    service: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.main([campaign_id]) == 0
    assert capsys.readouterr().out.split() == ["serial,user_id,code,admitted_at,issued_at"]


def test_an_export_that_fails_leaves_no_file(
    service: Settings,
    campaign_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hush@127.0.0.1:1/nowhere")
    assert export.main([campaign_id, "-o", str(tmp_path / "winners.csv")]) == 1
    assert list(tmp_path.iterdir()) == []
    errors = capsys.readouterr().err
    assert "MySQL gave no answer" in errors
    assert "hush" not in errors


def test_an_invalid_campaign_id_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        export.main(["No Campaign"])
    assert ending.value.code == 2
    assert "not a campaign id" in capsys.readouterr().err
