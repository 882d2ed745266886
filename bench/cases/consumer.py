"""Kafka records to committed rows: the handler alone, and the poll runner end to end."""

from __future__ import annotations

import base64
import itertools
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from bench.admitted import admit
from bench.backlog import REQUEST_ID, filled
from bench.harness import FAILURES, Case, Goal
from bench.poll_runner import drained
from bench.processor_time import ProcessorTime
from handlers import webhook_clients, wiring
from handlers.adapters.mysql.ledger import INSERT_COUPONS
from handlers.adapters.mysql.prepared import Prepared
from handlers.consume import consume_handler
from handlers.domain.coupon_codes import CouponCodes
from handlers.domain.record import DecodedRecord
from handlers.domain.webhook import WebhookWish
from handlers.domain.webhook_event import WebhookEventKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial
    from handlers.domain.coupon import CouponAccepted

BATCH, BATCH_QUICK = 10_000, 2_000
BACKLOG, BACKLOG_QUICK = 100_000, 10_000
ROW_BY_ROW = 500  # slow; the rate does not depend on the number
CODES = CouponCodes(b"bench")
HANDLER, INSERT, ROWS = "consumer's handler", "bare batched insert", "row by row"
HOOKED = "consumer's handler, with a webhook for coupon.issued"
WEBHOOK_STATE = "UPDATE webhook SET state = %s"
RUNNER, RUNNERS = "poll runner", "poll runner, 2 processes"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Admit new users before every trial, so that settling finds its usual state."""
    batch = BATCH_QUICK if scale.quick else BATCH
    backlog = BACKLOG_QUICK if scale.quick else BACKLOG
    with cluster.gateway() as api, _quiet_handlers():
        _subscribe()
        trial_numbers = itertools.count()

        def admitted_users(count: int) -> list[CouponAccepted]:
            trial = next(trial_numbers)
            users = [f"user-{trial}-{number}" for number in range(count)]
            return admit(cluster.campaign(api, count), users)

        yield {
            INSERT: lambda: _insert(admitted_users(batch)),
            HANDLER: lambda: _handle(cluster.servers, admitted_users(batch)),
            HOOKED: lambda: _handle_hooked(cluster.servers, admitted_users(batch)),
            ROWS: lambda: _row_by_row(admitted_users(ROW_BY_ROW)),
            RUNNER: lambda: _end_to_end(cluster, cluster.campaign(api, backlog), backlog, 1),
            RUNNERS: lambda: _end_to_end(cluster, cluster.campaign(api, backlog), backlog, 2),
        }


@contextmanager
def _quiet_handlers() -> Iterator[None]:
    """Keep the handler's info lines out of the progress output; warnings stay."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _insert(coupons: Sequence[CouponAccepted]) -> Metrics:
    values = _values(coupons)
    started_s = time.perf_counter()
    written = wiring.database().run(lambda cursor: cursor.execute(INSERT_COUPONS, values))
    taken_s = time.perf_counter() - started_s
    return {"per_s": len(coupons) / taken_s, FAILURES: len(coupons) - written}


def _row_by_row(coupons: Sequence[CouponAccepted]) -> Metrics:
    database = wiring.database()
    started_s, written = time.perf_counter(), 0
    for coupon in coupons:
        values = _values([coupon])
        written += database.run(
            lambda cursor, values=values: cursor.execute(INSERT_COUPONS, values)  # type: ignore[misc]
        )
    taken_s = time.perf_counter() - started_s
    return {"per_s": len(coupons) / taken_s, FAILURES: len(coupons) - written}


def _subscribe() -> None:
    """Create a webhook that no sender serves, and switch it off."""
    wish = WebhookWish("https://shop.example/", (WebhookEventKind.ISSUED,), "bench")
    webhook_clients.webhooks().create("wh_bench", wish)
    _switch("OFF")


def _switch(state: str) -> None:
    wiring.database().run(lambda cursor: cursor.execute(WEBHOOK_STATE, (state,)))


def _handle_hooked(servers: Mapping[str, int], coupons: Sequence[CouponAccepted]) -> Metrics:
    _switch("ACTIVE")
    try:
        return _handle(servers, coupons)
    finally:
        _switch("OFF")


def _handle(servers: Mapping[str, int], coupons: Sequence[CouponAccepted]) -> Metrics:
    event = _event(coupons)
    processor_time = ProcessorTime(servers)
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    response = consume_handler(event, None)
    taken_s, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    return {
        "per_s": len(coupons) / taken_s,
        "cpu_us_per_record": cpu_s / len(coupons) * 1e6,
        **processor_time.per_request(len(coupons), cpu_s),
        FAILURES: len(response["batchItemFailures"]),
    }


def _end_to_end(cluster: Cluster, campaign_id: str, backlog: int, processes: int) -> Metrics:
    return drained(filled(cluster, campaign_id, backlog), backlog, processes)


def _values(coupons: Sequence[CouponAccepted]) -> dict[str, Any]:
    """Return what the ledger would send, so that only the work around it differs."""
    prepared = Prepared((DecodedRecord(one, _no_record) for one in coupons), CODES)
    return {"rows": prepared.rows, "campaign_ids": prepared.campaign_ids}


def _no_record() -> NoReturn:
    raise AssertionError


def _event(coupons: Sequence[CouponAccepted]) -> dict[str, Any]:
    name = wiring.settings().coupon_topic
    records = [
        {
            "topic": name,
            "partition": 0,
            "offset": offset,
            "timestamp": coupon.admitted_at_ms,
            "timestampType": "CREATE_TIME",
            "key": base64.b64encode(coupon.user_id.encode()).decode(),
            "value": base64.b64encode(coupon.encode()).decode(),
            "headers": [{"request_id": list(REQUEST_ID)}],
        }
        for offset, coupon in enumerate(coupons)
    ]
    return {"eventSource": "aws:kafka", "records": {f"{name}-0": records}}


CASE = Case(
    "consumer",
    "Kafka to committed rows",
    "per_s",
    INSERT,
    (
        Goal(HANDLER, "per_s", 0.75, against=INSERT),
        Goal(HANDLER, "per_s", 10, against=ROWS),
        Goal(HANDLER, "per_s", 30_000),
        Goal(HOOKED, "per_s", 0.6, against=HANDLER),
        Goal(RUNNER, "per_s", 30_000),
        Goal(RUNNERS, "per_s", 0.95, against=INSERT),
    ),
    variants,
)
