"""Traces through real programs: one of each coupon, whatever happens between press and row."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.config import Settings
from handlers.tracing.place import ids_of_coupon
from local.migrate import owner_address
from tests.e2e.conftest import chalice_local, gateway, poll_runner
from tests.support.collector import collector
from tests.support.http_client import Call, Client
from tests.support.programs import running
from tests.support.service import ADMIN, campaign_body, coupons, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.collector import Collector, SentSpan

ROUTE = "/campaigns/{id}/apply"
PRESS, SEND, PROCESS = f"POST {ROUTE}", "send coupon_", "process coupon_"
ADMIT, CONFIRM = "EVALSHA admission/admit", "EVALSHA admission/confirm"
WRITE, SETTLE, REDRIVE = "INSERT coupon", "EVALSHA admission/settle", "redrive failed_event"
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
USER = "a-users-own-id"


@pytest.fixture
def collected() -> Iterator[Collector]:
    with collector() as made:
        yield made


def apply(campaign_id: str, user: str = USER, **headers: str) -> Call:
    return Call("POST", f"/campaigns/{campaign_id}/apply", user, headers=headers)


def create(campaign_id: str, quantity: int = 10) -> Call:
    return Call("POST", "/campaigns", "admin", ADMIN, campaign_body(campaign_id, quantity))


def names(spans: list[SentSpan]) -> list[str]:
    """Return the names, sorted; of a topic's own name only its beginning."""
    return sorted(
        next((short for short in (SEND, PROCESS) if span.name.startswith(short)), span.name)
        for span in spans
    )


def headers_in_kafka(settings: Settings) -> list[list[tuple[str, bytes]]]:
    options = connection_options(settings) | {
        "auto_offset_reset": "earliest",
        "consumer_timeout_ms": 1000,
    }
    with closing(KafkaConsumer(settings.coupon_topic, group_id=None, **options)) as consumer:
        return [list(record.headers) for record in consumer]


def whole(spans: list[SentSpan]) -> bool:
    """Tell whether every span's parent is there, but for the first one's."""
    ids = {span.id for span in spans}
    return [span.name for span in spans if span.parent not in ids] == [PRESS]


def test_from_the_press_to_the_row_there_is_one_trace_with_a_link_to_the_callers(
    world: dict[str, str], campaign_id: str, collected: Collector
) -> None:
    settings = Settings.from_environment(world)
    traced = world | collected.environment
    with poll_runner(traced | {"OTEL_SERVICE_NAME": "poller"}), gateway(traced) as client:
        assert client.send(create(campaign_id)).status == 201
        traceparent = f"00-{'-'.join(CALLER)}-00"
        assert client.send(apply(campaign_id, traceparent=traceparent)).code == "ACCEPTED"
        eventually(lambda: len(coupons(settings, campaign_id)) == 1, "a row in MySQL")
    [press] = collected.named(PRESS)
    spans = collected.of(press.trace)
    assert names(spans) == sorted([PRESS, ADMIT, SEND, CONFIRM, PROCESS, WRITE, SETTLE])
    assert whole(spans)
    assert press.links == [CALLER]
    [send] = [span for span in spans if span.name.startswith(SEND)]
    [process] = [span for span in spans if span.name.startswith(PROCESS)]
    assert process.parent == send.id
    assert {span.service for span in spans} == {"seonchak", "poller"}
    [headers] = headers_in_kafka(settings)
    assert dict(headers)["traceparent"] == f"00-{press.trace}-{send.id}-01".encode()
    assert USER.encode() not in collected.raw


def test_a_relay_a_redelivery_and_a_redrive_are_in_the_trace_of_the_press(
    world: dict[str, str], campaign_id: str, collected: Collector
) -> None:
    settings = Settings.from_environment(world)
    traced = world | collected.environment | {"PENDING_RESEND_AFTER_S": "1"}
    with gateway(traced) as client:
        assert client.send(create(campaign_id)).status == 201
        assert client.send(apply(campaign_id)).code == "ACCEPTED"
        taken = without_its_campaign(settings, campaign_id)
        # Without a consumer the admission stays pending, and is sent again.
        intervals = ("--interval-s", "0.2", "--rebuild-interval-s", "3600")
        with running("local.scheduler", *intervals, environment=traced) as scheduler:
            scheduler.err.until(lambda line: '"relay_handler"' in line and "done" in line)
            assert scheduler.stop() == 0
        # The same record twice, and no campaign in MySQL: two failed events.
        with poll_runner(traced):
            eventually(lambda: len(collected.named(WRITE)) >= 2, "both records are processed")
        with_its_campaign(settings, taken)
        redriven = client.send(Call("POST", "/failed-events/redrive", "admin", ADMIN))
        assert redriven.body["resolved"] >= 2
        assert len(coupons(settings, campaign_id)) == 1
        eventually(lambda: collected.named(REDRIVE), "the redrive's spans")
    [press] = collected.named(PRESS)
    spans = collected.of(press.trace)
    found = names(spans)
    assert found.count(SEND) == found.count(PROCESS) >= 2
    assert found.count(REDRIVE) == found.count(PROCESS)
    assert [one for one in spans if one.attributes.get("seonchak.sent_by") == "relay"]
    assert whole(spans)
    assert {one.trace for one in collected.named(WRITE)} == {press.trace}
    # What both had in common has a trace of its own, linked to this one.
    [batch] = [one for one in collected.named(REDRIVE) if not one.parent]
    assert batch.links == [(press.trace, press.id)] * 2
    assert USER.encode() not in collected.raw


def test_what_a_killed_gateway_had_admitted_is_in_one_trace_all_the_same(
    world: dict[str, str], campaign_id: str, collected: Collector
) -> None:
    settings = Settings.from_environment(world)
    traced = world | collected.environment | {"PENDING_RESEND_AFTER_S": "1"}
    # It never sends what it has recorded.
    unsent = traced | {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}
    with running("local.serve", "--port", "0", environment=unsent) as program:
        line = program.out.until(lambda text: "listening on" in text)
        with Client(int(line.rsplit(":", 1)[1].strip("/ "))) as client:
            assert client.send(create(campaign_id)).status == 201
            assert client.send(apply(campaign_id)).code == "ACCEPTED"
            os.killpg(program.process.pid, signal.SIGKILL)  # the workers as well
    with poll_runner(traced):
        eventually(lambda: len(coupons(settings, campaign_id)) == 1, "a row in MySQL")
    [(serial, at)] = rows(settings, "SELECT serial, admitted_at FROM coupon")
    at_ms = round(at.replace(tzinfo=UTC).timestamp() * 1000)
    trace_id, press_id = ids_of_coupon(campaign_id, serial, at_ms)
    eventually(lambda: collected.named(WRITE), "the consumer's spans")
    assert {span.trace for span in collected.spans} == {f"{trace_id:032x}"}
    assert f"{press_id:016x}" not in {span.id for span in collected.spans}


def test_a_refusal_from_memory_has_a_span_and_says_what_it_was(
    world: dict[str, str], campaign_id: str, collected: Collector
) -> None:
    with gateway(world | collected.environment) as client:
        assert client.send(create(campaign_id, quantity=1)).status == 201
        codes = [client.send(apply(campaign_id, f"{USER}-{n % 2}")).code for n in range(8)]
        assert codes.count("SOLD_OUT") == 4
    outcomes = [span.attributes["seonchak.outcome"] for span in collected.named(PRESS)]
    assert sorted(outcomes) == sorted(codes)
    assert USER.encode() not in collected.raw


def test_chalice_local_traces_as_well(
    world: dict[str, str], campaign_id: str, collected: Collector
) -> None:
    with chalice_local(world | collected.environment) as client:
        assert client.send(create(campaign_id)).status == 201
        assert client.send(apply(campaign_id)).code == "ACCEPTED"
        eventually(lambda: collected.named(PRESS), "the span of the press")
    [press] = collected.named(PRESS)
    assert {ADMIT, SEND, CONFIRM} <= set(names(collected.of(press.trace)))


def test_without_a_collector_and_with_traces_off_the_answers_are_the_same(
    world: dict[str, str], campaign_id: str
) -> None:
    settings = Settings.from_environment(world)
    absent = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with gateway(world | absent) as client:
        assert client.send(create(campaign_id)).status == 201
        assert client.send(apply(campaign_id, "on")).code == "ACCEPTED"
    with gateway(world) as client:
        assert client.send(apply(campaign_id, "off")).code == "ACCEPTED"
    names_of_headers = [[name for name, _ in headers] for headers in headers_in_kafka(settings)]
    assert sorted(names_of_headers) == [["request_id"], ["request_id", "traceparent"]]


def test_a_wrong_setting_stops_the_start_and_is_named(world: dict[str, str]) -> None:
    wrong = world | {"OTEL_TRACES_SAMPLER": "sometimes"}
    for module in ("local.serve", "local.poll_runner", "local.scheduler"):
        with running(module, environment=wrong) as program:
            assert program.wait() == 2
            assert "OTEL_TRACES_SAMPLER" in json.dumps(program.err.seen)


def without_its_campaign(settings: Settings, campaign_id: str) -> list[tuple[object, ...]]:
    """Take a campaign out of MySQL; return its row."""
    with closing(connect_to_mysql(owner_address(settings))) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM campaign WHERE id = %s", (campaign_id,))
            rows = list(cursor.fetchall())
            cursor.execute("DELETE FROM fence_offset WHERE campaign_id = %s", (campaign_id,))
            cursor.execute("DELETE FROM coupon_event WHERE campaign_id = %s", (campaign_id,))
            cursor.execute("DELETE FROM campaign WHERE id = %s", (campaign_id,))
        connection.commit()
    assert len(rows) == 1
    return rows


def with_its_campaign(settings: Settings, rows: list[tuple[object, ...]]) -> None:
    places = ", ".join(["%s"] * len(rows[0]))
    with closing(connect_to_mysql(owner_address(settings))) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO campaign VALUES ({places})", rows[0])
        connection.commit()
