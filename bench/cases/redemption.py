"""Coupons that are used: the shop's call in one process and in two, beside a bare UPDATE."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.harness import FAILURES, Case, Goal
from handlers import wiring
from handlers.domain.campaign import Campaign
from handlers.domain.coupon import CouponAccepted
from handlers.domain.record import DecodedRecord, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pymysql.cursors import Cursor

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

COUPONS, COUPONS_QUICK = 10_000, 2_000
OPENS_AT_MS, CLOSES_AT_MS = 1_767_225_600_000, 4_102_444_800_000
BARE, ONE, TWO = "bare UPDATE", "redemption", "redemption, 2 processes"
CODES = "SELECT code, campaign_id, serial FROM coupon WHERE campaign_id = %s"
USED = "SELECT COUNT(*) FROM coupon WHERE campaign_id = %s AND state = 'USED'"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Issue new coupons before each trial, which is not measured."""
    numbers = itertools.count()
    count = COUPONS_QUICK if scale.quick else COUPONS

    def trial(processes: int, *options: str) -> Metrics:
        campaign_id = f"redemption-{next(numbers)}"
        coupons = _issue(campaign_id, count)
        files = [cluster.folder / f"{campaign_id}-{number}" for number in range(processes)]
        for number, file in enumerate(files):
            file.write_text("\n".join(coupons[number::processes]), encoding="ascii")
        metrics = _use(cluster, files, options)
        # The programs' own reports are not enough: count what MySQL has stored.
        return {**metrics, FAILURES: metrics[FAILURES] + abs(count - _used(campaign_id))}

    yield {BARE: partial(trial, 1, "--bare"), ONE: partial(trial, 1), TWO: partial(trial, 2)}


def _issue(campaign_id: str, count: int) -> list[str]:
    """Write coupons to MySQL; return code, campaign and serial of each."""
    campaign = Campaign(campaign_id, "Bench", count, OPENS_AT_MS, CLOSES_AT_MS)
    wiring.mysql_queries().create_campaign(campaign)
    wiring.ledger().write([_record(campaign_id, serial) for serial in range(1, count + 1)], [])

    def work(cursor: Cursor) -> Sequence[tuple[object, ...]]:
        cursor.execute(CODES, (campaign_id,))
        return cursor.fetchall()

    return [" ".join(map(str, row)) for row in wiring.database().run(work)]


def _record(campaign_id: str, serial: int) -> DecodedRecord:
    coupon = CouponAccepted(campaign_id, f"user-{serial}", serial, OPENS_AT_MS)
    return DecodedRecord(coupon, lambda: Record("bench", 0, serial, 0, None, coupon.encode()))


def _use(cluster: Cluster, files: Sequence[Path], options: Sequence[str]) -> Metrics:
    """Start a program for each file, let all begin together, and measure until the last ends."""
    with ExitStack() as stack:
        programs = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.redeemer", str(file), *options],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=dict(cluster.environment),
                    text=True,
                )
            )
            for file in files
        ]
        for program in programs:
            _line(program)
        started_s = time.perf_counter()
        for program in programs:
            assert program.stdin is not None  # noqa: S101 - for the type checker
            program.stdin.write("go\n")
            program.stdin.flush()
        results = [json.loads(_line(program)) for program in programs]
        taken_s = time.perf_counter() - started_s
    right = sum(result["right"] for result in results)
    return {"per_s": right / taken_s, FAILURES: sum(result["wrong"] for result in results)}


def _line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None  # noqa: S101 - for the type checker
    return program.stdout.readline()


def _used(campaign_id: str) -> int:
    def work(cursor: Cursor) -> int:
        cursor.execute(USED, (campaign_id,))
        [(count,)] = cursor.fetchall()
        return int(count)

    return wiring.database().run(work)


CASE = Case(
    "redemption",
    "A coupon is used, with its event",
    "per_s",
    BARE,
    # Five statements and a request, beside one statement.
    (Goal(ONE, "per_s", 0.15, against=BARE),),
    variants,
)
