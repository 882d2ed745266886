"""The whole list of winners as a file."""

from __future__ import annotations

import csv
import os
import re
from typing import IO, TYPE_CHECKING

import pytest

from handlers import coupons as coupons_module
from handlers.consume import consume_handler
from local import export
from tests.support.service import create_campaign, kafka_event, message, winners

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from handlers.adapters.mysql.queries import Coupon
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


def test_an_id_that_is_a_formula_is_text_and_can_be_had_back(
    service: Settings, campaign_id: str, tmp_path: Path
) -> None:
    ids = ["=1+1", "+8210", "-2", "@SUM(A1)", "'quoted", "a;=1+1", '"=1"', "plain"]
    create_campaign(campaign_id, quantity=len(ids))
    messages = [message(campaign_id, user_id, n) for n, user_id in enumerate(ids, 1)]
    consume_handler(kafka_event(messages), None)
    file = tmp_path / "winners.csv"
    assert export.main([campaign_id, "-o", str(file)]) == 0
    with file.open(encoding="utf-8", newline="") as text:
        cells = [line["user_id"] for line in csv.DictReader(text)]
    assert cells == ["'=1+1", "'+8210", "'-2", "'@SUM(A1)", "''quoted", "a;'=1+1", '"=1"', "plain"]
    assert [re.sub(r"(^|;)'", r"\1", cell) for cell in cells] == ids
    page = winners(campaign_id, {}, Accept="text/csv").body
    assert page == file.read_bytes().decode()
    assert [coupon["user_id"] for coupon in winners(campaign_id, {}).body["coupons"]] == ids


@pytest.mark.parametrize("before", [None, "an older list"])
def test_the_file_is_its_owners_alone_whatever_it_was(
    service: Settings, campaign_id: str, tmp_path: Path, before: str | None
) -> None:
    create_campaign(campaign_id, quantity=1)
    file = tmp_path / "winners.csv"
    if before is not None:
        file.write_text(before)
        file.chmod(0o644)
        (tmp_path / "link").hardlink_to(file)
    umask = os.umask(0)
    try:
        assert export.main([campaign_id, "-o", str(file)]) == 0
    finally:
        os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("serial,user_id")
    if before is not None:  # who had the older file open does not see the new one through it
        assert (tmp_path / "link").read_text() == before


def test_a_file_that_is_not_complete_is_its_owners_alone_too(
    service: Settings, campaign_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1)
    consume_handler(kafka_event([message(campaign_id, "u1", 1)]), None)
    seen: list[tuple[str, int]] = []

    def look(file: IO[str], coupons: Iterable[Coupon], *, header: bool = True) -> None:
        coupons_module.write_csv(file, coupons, header=header)
        seen.extend((path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir())

    monkeypatch.setattr(export, "write_csv", look)
    assert export.main([campaign_id, "-o", str(tmp_path / "winners.csv")]) == 0
    [(name, mode)] = seen
    assert name.startswith(".winners.csv.")
    assert mode == 0o600


def test_what_is_not_a_file_is_not_replaced(
    service: Settings, campaign_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert export.main([campaign_id, "-o", str(pipe)]) == 1
    assert "is not a file" in capsys.readouterr().err
    assert pipe.is_fifo()


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
