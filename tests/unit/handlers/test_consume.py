"""consume_handler on a fake ledger: what it reports, isolates, settles, and when it raises."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from handlers import wiring
from handlers.consume import consume_handler
from handlers.domain.errors import LedgerRefusedError, UnavailableError
from handlers.domain.record import DecodedRecord, FailedEvent, Reason
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events.kafka import NotKafkaError
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS, FakeLedger
from tests.support.service import kafka_event, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.unit.conftest import Fakes, LogLines

NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


class Context:
    aws_request_id = "invocation-1"


@dataclass
class RejectingLedger(FakeLedger):
    """A MySQL that rejects batches with certain users' coupons, or even their failed events."""

    rejects_coupons_of: set[str] = field(default_factory=set)
    rejects_everything_of: set[str] = field(default_factory=set)
    rejects_offsets: set[int] = field(default_factory=set)
    unavailable_after: int = 1_000_000
    writes: int = 0

    def write(
        self,
        accepted: Sequence[DecodedRecord],
        failed: Sequence[FailedEvent],
        meanwhile: Callable[[], object] | None = None,
    ) -> list[Settlement]:
        self.writes += 1
        if self.writes > self.unavailable_after:
            raise UnavailableError
        users = {a.coupon.user_id for a in accepted}
        all_users = users | {f.user_id for f in failed}
        offsets = {a.record.offset for a in accepted} | {f.record.offset for f in failed}
        if (
            users & self.rejects_coupons_of
            or all_users & self.rejects_everything_of
            or offsets & self.rejects_offsets
        ):
            cause = pymysql.DataError(1406, "Data too long: the-secret-value")
            raise LedgerRefusedError(*cause.args) from cause
        return super().write(accepted, failed, meanwhile)


@pytest.fixture
def ledger(fakes: Fakes) -> Iterator[RejectingLedger]:
    made = RejectingLedger({"welcome": 100})
    for serial in range(1, 6):
        campaign = fakes.admissions.campaigns.setdefault("welcome", FakeCampaign(100, 0, NOW_MS))
        campaign.serials[f"user-{serial}"] = campaign.count = serial
        campaign.pending[f"user-{serial}"] = NOW_MS
    with wiring.override(wiring.ledger, made):
        yield made


def batch(*serials: int) -> list[Any]:
    return [message("welcome", f"user-{serial}", serial) for serial in serials]


def in_partitions(**of_partition: list[tuple[int, int]]) -> dict[str, Any]:
    """Return an event of several partitions, with (offset, serial) of each record."""
    records: dict[str, Any] = {}
    for name, positions in of_partition.items():
        partition = int(name.removeprefix("p"))
        records[f"coupon_create-{partition}"] = [
            kafka_event(batch(serial))["records"]["coupon_create-0"][0]
            | {"partition": partition, "offset": offset}
            for offset, serial in positions
        ]
    return {"eventSource": "SelfManagedKafka", "records": records}


def test_a_batch_is_written_and_settled(fakes: Fakes, ledger: RejectingLedger) -> None:
    assert consume_handler(kafka_event(batch(1, 2, 3)), Context()) == NOTHING_FAILED
    assert ledger.coupons == {("welcome", f"user-{n}"): n for n in (1, 2, 3)}
    assert ledger.writes == 1
    assert set(fakes.admissions.campaigns["welcome"].pending) == {"user-4", "user-5"}


def test_an_empty_batch_writes_nothing(ledger: RejectingLedger) -> None:
    event = {"eventSource": "aws:kafka", "records": {}}
    assert consume_handler(event, None) == NOTHING_FAILED
    assert not ledger.coupons


def test_a_poison_record_is_dead_lettered_and_the_others_are_written_in_one_call(
    ledger: RejectingLedger,
) -> None:
    event = kafka_event([*batch(1), b"\xff poison", None, *batch(2)])
    assert consume_handler(event, Context()) == NOTHING_FAILED
    assert set(ledger.coupons.values()) == {1, 2}
    stored = {position[2]: failure for position, failure in ledger.failures.items()}
    assert {offset: f.reason for offset, f in stored.items()} == {
        1: Reason.UNDECODABLE,
        2: Reason.UNDECODABLE,
    }
    assert stored[1].record.value == b"\xff poison"
    assert ledger.writes == 1


def test_the_same_batch_again_changes_nothing(fakes: Fakes, ledger: RejectingLedger) -> None:
    event = kafka_event([*batch(1, 2), b"poison"])
    consume_handler(event, Context())
    before = repr(ledger.coupons), repr(ledger.failures), repr(fakes.admissions.campaigns)
    for _ in range(3):
        assert consume_handler(event, Context()) == NOTHING_FAILED
    assert before == (
        repr(ledger.coupons),
        repr(ledger.failures),
        repr(fakes.admissions.campaigns),
    )


def test_a_record_that_mysql_rejects_is_isolated_and_dead_lettered(
    fakes: Fakes, ledger: RejectingLedger, logged: LogLines
) -> None:
    ledger.rejects_coupons_of = {"user-2"}
    assert consume_handler(kafka_event(batch(1, 2, 3)), Context()) == NOTHING_FAILED
    assert set(ledger.coupons.values()) == {1, 3}
    [event] = ledger.failures.values()
    assert (event.reason, event.user_id) == (Reason.NOT_INSERTED, "user-2")
    assert event.campaign_id == "welcome"
    assert event.detail == "MySQL error 1406"
    assert "the-secret-value" not in logged.text
    # A record in failed_event must not stay pending, or the relay would send it for ever.
    assert {s.user_id: s.state for s in fakes.admissions.settled} == {
        "user-1": SettledAs.COUPON,
        "user-2": SettledAs.FAILED_EVENT,
        "user-3": SettledAs.COUPON,
    }


def test_one_refused_record_of_many_is_found_in_few_writes(ledger: RejectingLedger) -> None:
    ledger.quantities["welcome"] = 1024
    ledger.rejects_coupons_of = {"user-700"}
    assert consume_handler(kafka_event(batch(*range(1, 1025))), Context()) == NOTHING_FAILED
    assert len(ledger.coupons) == 1023
    [event] = ledger.failures.values()
    assert event.user_id == "user-700"
    assert ledger.writes < 25


def test_a_record_that_cannot_be_stored_anywhere_comes_again(
    fakes: Fakes, ledger: RejectingLedger, logged: LogLines
) -> None:
    ledger.rejects_everything_of = {"user-2"}
    result = consume_handler(kafka_event(batch(1, 2, 3), first=40), Context())
    assert result == {
        "batchItemFailures": [{"itemIdentifier": {"partition": "coupon_create-0", "offset": 41}}]
    }
    assert set(ledger.coupons.values()) == {1, 3}
    assert "user-2" in fakes.admissions.campaigns["welcome"].pending
    assert {"a record can be kept nowhere"} <= {line["message"] for line in logged.lines}
    assert logged.lines[-1]["unwritten"] == 1
    assert "the-secret-value" not in logged.text


def test_of_each_partition_the_lowest_failed_offset_is_reported(ledger: RejectingLedger) -> None:
    ledger.rejects_everything_of = {"user-2", "user-3", "user-5"}
    event = in_partitions(p0=[(12, 1), (13, 3), (14, 2)], p3=[(8, 4)], p5=[(99, 5)])
    # Lambda gives the records of a partition in order; the result does not rely on it.
    event["records"]["coupon_create-0"].reverse()
    result = consume_handler(event, Context())
    assert sorted(item["itemIdentifier"]["partition"] for item in result["batchItemFailures"]) == [
        "coupon_create-0",
        "coupon_create-5",
    ]
    assert {"itemIdentifier": {"partition": "coupon_create-0", "offset": 13}} in result[
        "batchItemFailures"
    ]
    assert {"itemIdentifier": {"partition": "coupon_create-5", "offset": 99}} in result[
        "batchItemFailures"
    ]


def test_an_undecodable_record_that_cannot_be_stored_anywhere_comes_again(
    ledger: RejectingLedger,
) -> None:
    ledger.rejects_offsets = {1}
    result = consume_handler(kafka_event([*batch(1), b"poison", *batch(2)]), Context())
    assert result["batchItemFailures"] == [
        {"itemIdentifier": {"partition": "coupon_create-0", "offset": 1}}
    ]
    assert set(ledger.coupons.values()) == {1, 2}


@pytest.mark.usefixtures("ledger")
def test_a_redis_that_is_down_does_not_hold_up_the_topic(fakes: Fakes, logged: LogLines) -> None:
    fakes.admissions.reachable = False
    assert consume_handler(kafka_event(batch(1, 2)), Context()) == NOTHING_FAILED
    [warning, summary] = logged.lines
    assert (warning["message"], warning["coupons"]) == ("written but not settled", 2)
    assert (summary["message"], summary["request_id"]) == ("consume_handler", "invocation-1")
    assert (summary["records"], summary["unwritten"]) == (2, 0)


def test_with_an_unreachable_mysql_nothing_is_acknowledged_or_settled(
    fakes: Fakes, ledger: RejectingLedger
) -> None:
    ledger.unavailable_after = 0
    with pytest.raises(UnavailableError):
        consume_handler(kafka_event(batch(1, 2)), Context())
    assert not fakes.admissions.settled
    assert set(fakes.admissions.campaigns["welcome"].pending) == {f"user-{n}" for n in range(1, 6)}


def test_with_mysql_lost_while_records_are_isolated_nothing_is_acknowledged(
    fakes: Fakes, ledger: RejectingLedger
) -> None:
    ledger.rejects_coupons_of = {"user-2"}
    ledger.unavailable_after = 2
    with pytest.raises(UnavailableError):
        consume_handler(kafka_event(batch(1, 2, 3)), Context())
    assert not fakes.admissions.settled
    assert not ledger.failures


def test_an_event_of_another_source_is_an_error_and_writes_nothing(
    ledger: RejectingLedger,
) -> None:
    with pytest.raises(NotKafkaError):
        consume_handler({"eventSource": "aws:sqs", "Records": []}, Context())
    assert ledger.writes == 0


def test_garbage_collection_is_paused_within_a_batch_and_resumed_after_it(
    ledger: RejectingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    enabled: list[bool] = []

    def write(*_: object) -> list[Settlement]:
        enabled.append(gc.isenabled())
        raise UnavailableError

    monkeypatch.setattr(ledger, "write", write)
    with pytest.raises(UnavailableError):
        consume_handler(kafka_event([message("welcome", "user-1", 1).encode()]), Context())
    assert enabled == [False]
    assert gc.isenabled()
