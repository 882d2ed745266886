"""A MySQL that takes at most 1 MiB in a statement, and content that it never takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from handlers import consume
from handlers.adapters.mysql import ledger as ledger_module
from handlers.adapters.mysql import prepared
from handlers.adapters.mysql.connection import Connection
from handlers.consume import consume_handler
from handlers.domain import times
from handlers.domain.errors import LedgerRefusedError, UnavailableError
from handlers.log import error_fields
from handlers.redrive import redrive_handler
from local.servers import MariaDB
from tests.support.mutated import in_one_piece
from tests.support.own_database import migrated, on_database
from tests.support.service import (
    coupons,
    create_campaign,
    failures,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress
    from handlers.domain.coupon import CouponAccepted

DONE: dict[str, list[object]] = {"batchItemFailures": []}
LIMIT_BYTES = 1 << 20
# Kafka's own limit for a record.
LARGEST_BYTES = 1_000_000
BATCH = 10_000


class SmallServer(MariaDB):
    def command(self) -> Sequence[str]:
        return [*super().command(), f"--max-allowed-packet={LIMIT_BYTES}"]


@pytest.fixture(scope="module")
def small_server() -> Iterator[DatabaseAddress]:
    with SmallServer() as server:
        yield migrated(server)


@pytest.fixture
def small(service: Settings, small_server: DatabaseAddress) -> Iterator[Settings]:
    """The service with a MySQL whose max_allowed_packet is 1 MiB."""
    with on_database(service, small_server) as there:
        yield there


def largest_batch(campaign_id: str) -> dict[str, Any]:
    return kafka_event(message(campaign_id, f"user-{n}-{'x' * 50}", n) for n in range(1, BATCH + 1))


def test_the_largest_batch_is_written_in_parts_that_mysql_takes(
    small: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=BATCH)
    assert consume_handler(largest_batch(campaign_id), None) == DONE
    assert [serial for _, serial in coupons(small, campaign_id)] == list(range(1, BATCH + 1))
    assert failures(small, campaign_id) == {}


@pytest.mark.parametrize("size", [LARGEST_BYTES, 2 * LIMIT_BYTES])
def test_a_record_that_never_fits_is_cut_and_says_so_and_holds_up_nothing(
    small: Settings, campaign_id: str, size: int
) -> None:
    create_campaign(campaign_id)
    poison = b"p" * size
    event = kafka_event([message(campaign_id, "before", 1), poison, message(campaign_id, "b", 2)])
    statement = "SELECT payload, detail FROM failed_event"
    for _ in range(2):
        assert consume_handler(event, None) == DONE
        [(payload, detail)] = rows(small, statement)
        assert detail.startswith(f"cut to {len(payload)} of {size} bytes: max_allowed_packet is")
        assert poison.startswith(payload)
        assert len(payload) > LIMIT_BYTES // 3
    assert coupons(small, campaign_id) == [("before", 1), ("b", 2)]
    assert redrive_handler({}, None) == {"resolved": 0, "retried": 1, "dead": 0}
    [(_, after)] = rows(small, statement)
    assert after == detail
    rows(small, "DELETE FROM failed_event")


@pytest.fixture
def _no_limit_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service asks MySQL for its limit and does not hear it."""
    never = property(lambda _: 1 << 30, lambda *_: None)
    monkeypatch.setattr(Connection, "packet_bytes_max", never)


@pytest.mark.usefixtures("small", "_no_limit_known")
def test_without_the_limit_a_poison_record_would_come_again_for_ever(campaign_id: str) -> None:
    """The negative control of the test above: MySQL says 1153, or only ends the connection."""
    create_campaign(campaign_id)
    event = kafka_event([b"p" * LARGEST_BYTES])
    try:
        failed = consume_handler(event, None)["batchItemFailures"]
    except UnavailableError:
        failed = ["all"]
    assert failed


@pytest.mark.usefixtures("_no_limit_known")
def test_control_in_one_piece_the_largest_batch_would_come_again_for_ever(
    small: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without both: the consumer halves what the ledger sends in one piece, if MySQL says 1153."""
    monkeypatch.setattr(consume, "_write_halves", in_one_piece)
    monkeypatch.setattr(consume, "PART_RECORDS", 3 * BATCH)
    create_campaign(campaign_id, quantity=BATCH)
    for _ in range(2):
        with pytest.raises((LedgerRefusedError, UnavailableError)):
            consume_handler(largest_batch(campaign_id), None)
    assert coupons(small, campaign_id) == []


USERS = ("a", "bad", "c")
TIME = "2026-11-22 03:00:00.123"
CODE = "A" * 16
# What MySQL gets for the code and the time of the user "bad". INSERT IGNORE hid all of these:
# it cut, emptied or zeroed the value.
REFUSED: dict[str, tuple[Any, Any]] = {
    "a code that is too long": ("A" * 17, TIME),
    "a code in letters that the column lacks": ("쿠" * 16, TIME),
    "a code that is no text": ([], TIME),
    "a time that does not exist": (CODE, "2026-02-31 00:00:00.000"),
    "a time that is none": (CODE, "yesterday"),
    "a time that is missing": (CODE, None),
    "JSON that is none": ("no JSON", "no JSON"),
}


def rows_with_bad(what: str) -> Callable[[Sequence[CouponAccepted], object], str]:
    """Return what replaces `prepared.rows_of`: it bends what MySQL gets of the user "bad"."""

    def rows_of(given: Sequence[CouponAccepted], _: object) -> str:
        bad = REFUSED[what]
        text = json.dumps(
            [
                (*c[:3], *(bad if c.user_id == "bad" else (f"{c.user_id:A>16}", TIME)), 0)
                for c in given
            ]
        )
        return text[:-1] if '"no JSON"' in text else text

    return rows_of


def batch_of_users(campaign_id: str) -> dict[str, Any]:
    return kafka_event(message(campaign_id, user, serial) for serial, user in enumerate(USERS, 1))


@pytest.mark.parametrize("what", REFUSED)
def test_content_that_mysql_refuses_goes_to_failed_event_and_all_else_is_written(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(prepared, "rows_of", rows_with_bad(what))
    create_campaign(campaign_id)
    assert consume_handler(batch_of_users(campaign_id), None) == DONE
    assert coupons(service, campaign_id) == [("a", 1), ("c", 3)]
    assert failures(service, campaign_id) == {"bad": "NOT_INSERTED"}
    [(detail,)] = rows(service, "SELECT detail FROM failed_event")
    assert re.fullmatch(r"MySQL error \d+", detail)
    assert redrive_handler({}, None) == {"resolved": 0, "retried": 1, "dead": 0}


def test_control_in_one_piece_what_mysql_refuses_holds_up_all_else(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "_write_halves", in_one_piece)
    monkeypatch.setattr(prepared, "rows_of", rows_with_bad("a time that is none"))
    create_campaign(campaign_id)
    for _ in range(2):
        with pytest.raises(LedgerRefusedError):
            consume_handler(batch_of_users(campaign_id), None)
    assert coupons(service, campaign_id) == []
    assert failures(service, campaign_id) == {}


def test_with_insert_ignore_a_bent_value_was_stored_as_a_coupon(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    statement, _ = ledger_module.INSERT_COUPONS.split("ON DUPLICATE KEY")
    monkeypatch.setattr(
        ledger_module, "INSERT_COUPONS", statement.replace("INSERT INTO", "INSERT IGNORE INTO")
    )
    create_campaign(campaign_id)
    monkeypatch.setattr(times, "to_mysql", lambda _: "2026-02-31 00:00:00.000")
    consume_handler(kafka_event([message(campaign_id, "42", 1)]), None)
    assert coupons(service, campaign_id) == [("42", 1)]


def test_a_wrong_setup_is_an_outage_whose_log_line_says_what_is_wrong(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    monkeypatch.setattr(
        ledger_module,
        "INSERT_COUPONS",
        ledger_module.INSERT_COUPONS.replace("INTO coupon", "INTO coupon_of_a_later_version"),
    )
    with pytest.raises(UnavailableError) as caught:
        consume_handler(kafka_event([message(campaign_id, "42", 1)]), None)
    # MySQL tells of a missing table only who may have it.
    assert re.search(r"\(error (1146|1142): .*: has the migration run\?\)", str(caught.value))
    assert error_fields(caught.value)["detail"] == str(caught.value)
    assert failures(service, campaign_id) == {}
