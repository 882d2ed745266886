"""The spans of batches, on fakes: redeliveries, relays and redrives are in the coupon's trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from handlers.consume import consume_handler
from handlers.domain.errors import UnavailableError
from handlers.relay import _send
from handlers.tracing import batch
from handlers.tracing.batch import Work, redriven
from handlers.tracing.place import Place, ids_of_coupon, new_span_id, new_trace_id, parse
from handlers.tracing.settings import SamplerName, TraceSettings
from tests.support.service import kafka_event, message
from tests.support.spans import TRACEPARENT, attributes, collecting, context, links, trace_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.domain.coupon import CouponAccepted
    from tests.support.spans import Collected
    from tests.unit.conftest import Fakes

PROCESS, SEND = "process coupon_create", "send coupon_create"
WRITE, SETTLE = "INSERT coupon", "EVALSHA admission/settle"
COUPON = message("welcome", "42", 1)
IDS = ids_of_coupon("welcome", 1, COUPON.admitted_at_ms)
SENT = parse(TRACEPARENT)
FAR = 1e18  # a deadline


@pytest.fixture
def collected(fakes: Fakes) -> Iterator[Collected]:
    fakes.ledger.quantities["welcome"] = 100
    with collecting() as made:
        yield made


def sent_with(traceparent: str, *coupons: CouponAccepted | bytes) -> dict[str, Any]:
    """Return an event of records with this header, as bytes in Lambda's numbers."""
    event = kafka_event(coupons)
    for records in event["records"].values():
        for record in records:
            record["headers"].append({"traceparent": list(traceparent.encode())})
    return event


def test_a_record_is_processed_in_the_trace_that_its_header_names(collected: Collected) -> None:
    consume_handler(sent_with(TRACEPARENT, COUPON), None)
    assert SENT is not None
    process = collected.one(PROCESS)
    assert process.parent is not None
    assert (process.parent.trace_id, process.parent.span_id) == SENT[:2]
    assert collected.traces() == {
        SENT.trace_id: [f"None > {PROCESS}", f"{PROCESS} > {WRITE}", f"{PROCESS} > {SETTLE}"]
    }
    assert attributes(process) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "coupon_create",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.consumer.group.name": "group_1",
        "seonchak.campaign_id": "welcome",
        "seonchak.serial": 1,
        "seonchak.outcome": "coupon",
    }


def test_a_record_without_a_header_is_in_the_trace_of_its_coupon(collected: Collected) -> None:
    consume_handler(kafka_event([COUPON]), None)
    process = collected.one(PROCESS)
    assert process.parent is not None
    assert (process.parent.trace_id, process.parent.span_id) == IDS


@pytest.mark.parametrize("hostile", ["", "-", f"{TRACEPARENT}\r\n", "\xff", "0" * 100_000])
def test_a_malformed_header_is_as_good_as_none(collected: Collected, hostile: str) -> None:
    consume_handler(sent_with(hostile, COUPON), None)
    assert list(collected.traces()) == [IDS[0]]


def test_a_redelivery_is_in_the_same_trace(collected: Collected) -> None:
    for _ in range(2):
        consume_handler(kafka_event([COUPON]), None)
    [names] = collected.traces().values()
    assert names.count(f"None > {PROCESS}") == names.count(f"{PROCESS} > {WRITE}") == 2


def test_a_batch_has_one_span_that_is_linked_to_each_record(collected: Collected) -> None:
    coupons = [message("welcome", f"user-{n}", n) for n in range(1, 4)]
    consume_handler(kafka_event([*coupons, b"poison"]), None)
    [whole] = [span for span in collected.named(PROCESS) if span.parent is None]
    assert attributes(whole)["messaging.batch.message_count"] == 3
    presses = [ids_of_coupon("welcome", n, COUPON.admitted_at_ms) for n in range(1, 4)]
    assert links(whole) == presses
    own = [span for span in collected.named(PROCESS) if span.parent is not None]
    assert [trace_id(span) for span in own] == [ids[0] for ids in presses]
    assert [links(span) for span in own] == [[context(whole)]] * 3


def test_a_poison_record_is_traced_where_its_header_says_so(collected: Collected) -> None:
    consume_handler(sent_with(TRACEPARENT, b"poison"), None)
    assert SENT is not None
    assert list(collected.traces()) == [SENT.trace_id]
    assert attributes(collected.one(PROCESS))["seonchak.outcome"] == "failed_event"


def test_a_record_that_no_coupon_can_be_of_is_a_failed_event_in_its_trace(
    collected: Collected,
) -> None:
    consume_handler(kafka_event([message("welcome", "42", 101)]), None)
    assert attributes(collected.one(PROCESS))["seonchak.outcome"] == "failed_event"


def test_an_outage_of_mysql_is_an_error_of_each_record_and_nothing_is_settled(
    fakes: Fakes, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        message = "the-password"
        raise UnavailableError(message)

    monkeypatch.setattr(fakes.ledger, "write", unreachable)
    with pytest.raises(UnavailableError):
        consume_handler(kafka_event([COUPON]), None)
    assert collected.names() == [PROCESS, WRITE]
    assert {span.status.status_code for span in collected.spans} == {StatusCode.ERROR}
    assert attributes(collected.one(WRITE))["error.type"] == "UnavailableError"
    assert "the-password" not in collected.text()


def test_a_relayed_coupon_is_sent_and_processed_in_the_trace_of_its_press(
    fakes: Fakes, collected: Collected
) -> None:
    assert _send([COUPON], "relay", FAR) == []
    send = collected.one(SEND)
    assert send.parent is not None
    assert (send.parent.trace_id, send.parent.span_id) == IDS
    assert attributes(send)["seonchak.sent_by"] == "relay"
    [traceparent] = fakes.publisher.traceparents
    consume_handler(sent_with(traceparent, COUPON), None)
    [names] = collected.traces().values()
    assert names[:2] == [f"None > {SEND}", f"{SEND} > {PROCESS}"]


def test_control_with_ids_that_do_not_follow_from_the_coupon_the_trace_falls_apart(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "ids_of_coupon", lambda *_: (new_trace_id(), new_span_id()))
    _send([COUPON], "relay", FAR)
    consume_handler(kafka_event([COUPON]), None)
    with Work() as work:
        work.written(redriven([(COUPON, "RESOLVED")]))
    assert len(collected.traces()) == 3


def test_a_relay_without_an_ack_is_an_error(fakes: Fakes, collected: Collected) -> None:
    fakes.publisher.acknowledges = False
    assert _send([COUPON], "relay", FAR) == [COUPON]
    assert collected.one(SEND).status.status_code is StatusCode.ERROR


def test_a_redriven_coupon_is_in_the_trace_of_its_press(collected: Collected) -> None:
    with Work() as work:
        work.written(redriven([(COUPON, "RESOLVED")]))
    assert list(collected.traces().values()) == [
        [
            "None > redrive failed_event",
            f"redrive failed_event > {WRITE}",
            f"redrive failed_event > {SETTLE}",
        ]
    ]
    redrive = collected.one("redrive failed_event")
    assert redrive.parent is not None
    assert (redrive.parent.trace_id, redrive.parent.span_id) == IDS
    assert attributes(redrive)["seonchak.outcome"] == "RESOLVED"


def test_the_producers_decision_is_kept_whatever_the_consumers_ratio_is(fakes: Fakes) -> None:
    fakes.ledger.quantities["welcome"] = 100
    never = TraceSettings(is_on=True, sampler=SamplerName.PARENT_OR_RATIO, ratio=0.0)
    with collecting(never) as collected:
        consume_handler(sent_with(TRACEPARENT, COUPON), None)
        assert len(collected.named(PROCESS)) == 1
    assert SENT is not None
    unsampled = Place(SENT.trace_id, SENT.span_id, is_sampled=False).header()
    with collecting() as collected:
        consume_handler(sent_with(unsampled, COUPON), None)
        assert collected.names() == []


def test_each_program_decides_alike_about_a_coupon_with_a_ratio() -> None:
    half = TraceSettings(is_on=True, sampler=SamplerName.PARENT_OR_RATIO, ratio=0.5)
    coupons = [message("welcome", f"user-{n}", n) for n in range(1, 41)]
    found = []
    for _ in range(2):
        with collecting(half) as collected, Work() as work:
            work.written(redriven((one, "RESOLVED") for one in coupons))
        found.append({trace_id(one) for one in collected.spans if one.parent is not None})
    assert found[0] == found[1]
    assert 5 < len(found[0]) < 35


def test_off_a_batch_costs_no_look_at_its_records(fakes: Fakes) -> None:
    fakes.ledger.quantities["welcome"] = 100

    def never() -> Iterator[tuple[CouponAccepted, str]]:
        yield COUPON, "RESOLVED"
        pytest.fail("the records were read")

    with Work() as work:
        work.written(redriven(never()))
    consume_handler(kafka_event([COUPON]), None)
    assert len(fakes.ledger.coupons) == 1


def test_no_user_is_in_a_span(collected: Collected) -> None:
    coupon = message("welcome", "a-users-own-id", 1)
    consume_handler(kafka_event([coupon, message("missing", "a-users-own-id", 2)]), None)
    _send([coupon], "relay", FAR)
    with Work() as work:
        work.written(redriven([(coupon, "DEAD")]))
    assert collected.spans
    assert "a-users-own-id" not in collected.text()
