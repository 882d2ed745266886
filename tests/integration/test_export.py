"""The whole list of winners as a file."""

from __future__ import annotations

import csv
import os
import re
from typing import IO, TYPE_CHECKING

import pytest

from handlers import coupons as coupons_module
from handlers import wiring
from handlers.adapters.mysql.coupon_events import add_event
from handlers.consume import consume_handler
from handlers.domain.coupon_event import CouponEvent, EventKind
from local import export
from tests.support.life import change_coupon, insert_coupon, insert_event
from tests.support.service import create_campaign, kafka_event, message, winners

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from handlers.adapters.mysql.coupon_list import ListedCoupon
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


@pytest.fixture
def lived(service: Settings, campaign_id: str) -> str:
    """A campaign whose coupons are in each state; of an order with a formula for a name."""
    create_campaign(campaign_id, quantity=6)
    for serial in range(1, 7):
        insert_coupon(service, campaign_id, serial, f"2026-11-22 03:00:00.{serial:03}")
    used = "used_at = '2026-11-22 03:10:00.000'"
    reserved = "state = 'RESERVED', order_id = 'o;-3', reserved_until ="
    change_coupon(service, campaign_id, 2, f"{reserved} '2999-01-01 00:00:00.000'")
    change_coupon(service, campaign_id, 3, f"{reserved} '2026-11-22 03:00:01.000'")
    change_coupon(service, campaign_id, 4, f"state = 'USED', order_id = '=1+1', {used}")
    change_coupon(service, campaign_id, 5, "state = 'REVOKED', order_id = 'o5'")
    change_coupon(service, campaign_id, 6, f"state = 'USED', order_id = 'o6', {used}")
    for serial, kind, second in ((4, "USED", "01"), (5, "REVOKED", "02")):
        at = f"2026-11-22 03:00:{second}.000"
        texts = {"actor": "@shop", "order_id": "=1+1", "reason": "a;-b", "detail": '{"n": "한;="}'}
        insert_event(service, campaign_id, serial, kind, at, **texts)
    return campaign_id


def test_each_coupon_has_its_state_and_what_belongs_to_it(lived: str, tmp_path: Path) -> None:
    file = tmp_path / "coupons.csv"
    assert export.main([lived, "-o", str(file)]) == 0
    with file.open(encoding="utf-8", newline="") as text:
        lines = [list(line.values())[5:] for line in csv.DictReader(text)]
    assert lines == [
        ["ISSUED", "", "", ""],
        ["RESERVED", "o;'-3", "2999-01-01T00:00:00.000Z", ""],
        ["ISSUED", "", "", ""],  # the reservation is over
        ["USED", "'=1+1", "", "2026-11-22T03:10:00.000Z"],
        ["REVOKED", "", "", ""],
        ["USED", "o6", "", "2026-11-22T03:10:00.000Z"],
    ]
    page = winners(lived, {}, Accept="text/csv").body
    assert page == file.read_bytes().decode()
    fourth = winners(lived, {}).body["coupons"][3]
    assert (fourth["state"], fourth["order_id"], fourth["reserved_until"], fourth["used_at"]) == (
        "USED",
        "=1+1",
        None,
        "2026-11-22T03:10:00.000Z",
    )


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_all_events_are_written_in_order_and_no_text_of_them_is_a_formula(
    lived: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(export, "EVENTS_AT_ONCE", at_once)
    event = CouponEvent(EventKind.ARCHIVED, lived, None, "admin")
    wiring.database().run(lambda cursor: add_event(cursor, event))  # it is recent
    file = tmp_path / "events.csv"
    assert export.main([lived, "--events", "-o", str(file)]) == 0
    with file.open(encoding="utf-8", newline="") as text:
        lines = list(csv.DictReader(text))
    assert [(line["kind"], line["serial"]) for line in lines] == [
        *(("ISSUED", str(serial)) for serial in range(1, 7)),
        ("USED", "4"),
        ("REVOKED", "5"),
        ("CREATED", ""),  # now, and the life before is of another day
        ("ARCHIVED", ""),
    ]
    assert lines[0]["actor"] == "user-1"
    used = lines[6]
    assert (used["at"], used["actor"], used["order_id"], used["reason"], used["detail"]) == (
        "2026-11-22T03:00:01.000Z",
        "'@shop",
        "'=1+1",
        "a;'-b",
        '{"n": "한;\'="}',
    )
    assert len({line["id"] for line in lines}) == len(lines)
    assert file.stat().st_mode & 0o777 == 0o600


def test_events_of_a_campaign_that_does_not_exist_are_an_error_and_no_file(
    service: Settings, campaign_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert service.stage == "local"
    assert export.main([campaign_id, "--events", "-o", str(tmp_path / "events.csv")]) == 1
    assert "There is no campaign of that id" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


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

    def look(file: IO[str], coupons: Iterable[ListedCoupon], *, header: bool = True) -> None:
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
    header = "serial,user_id,code,admitted_at,issued_at,state,order_id,reserved_until,used_at"
    assert capsys.readouterr().out.split() == [header]


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
