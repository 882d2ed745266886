"""One round of bench/invocation_cost.py: calls the handlers on the import path one by one.

Prints JSON, by outcome: microseconds of CPU (this process, all threads) and of wall clock per call.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

from handlers import wiring
from handlers.apply import apply_handler
from handlers.campaigns import create_campaign_handler
from handlers.coupons import my_coupon_handler
from handlers.domain.coupon import CouponAccepted
from handlers.domain.record import DecodedRecord, Record
from handlers.health import health_handler, ready_handler

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 10
CREATED = 201
HOUR_S = 3600


@dataclass(frozen=True)
class BenchUser:
    """A user with a token."""

    name: str

    def request(self, campaign_id: str = "", body: object = None) -> dict[str, Any]:
        """Return the event of a request as API Gateway sends it, with the parts needed here."""
        claims = {"sub": self.name, "exp": int(time.time()) + HOUR_S, "scope": "coupon:admin"}
        token = jwt.encode(claims, wiring.settings().auth_jwt_secret)
        return {
            "headers": {"Authorization": f"Bearer {token}", "Host": "bench", "Accept": "*/*"},
            "pathParameters": {"id": campaign_id} if campaign_id else None,
            "requestContext": {"requestId": f"bench-{self.name}"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }


def main() -> None:
    """Produce every outcome as often as the first argument says."""
    calls = int(sys.argv[1])
    # Log lines are still written, to where they cost no other program anything.
    with (
        Path(os.devnull).open("w", encoding="utf-8", buffering=1) as nowhere,
        redirect_stderr(nowhere),
    ):
        metrics = _metrics(calls)
        wiring.reset()
    print(json.dumps(metrics))


def _metrics(calls: int) -> dict[str, dict[str, float]]:
    few, many = (f"{kind}-{os.getpid()}" for kind in ("few", "many"))
    _create(few, FEW)
    _create(many, calls)
    metrics = {}
    # More winners than the rejection cache stores, so that Redis decides about each user.
    winners = [BenchUser(f"winner-{number}") for number in range(calls)]
    applications = [winner.request(many) for winner in winners]
    # The first call connects to the servers.
    for number in range(FEW + 1):
        apply_handler(BenchUser(f"first-{number}").request(few), None)
    metrics["accepted"] = _cost(apply_handler, applications, "ACCEPTED")
    _issue(many, winners)
    metrics["already applied"] = _cost(apply_handler, applications, "ALREADY_APPLIED")
    losers = [BenchUser(f"loser-{number}").request(many) for number in range(calls)]
    metrics["refused by Redis, new token"] = _cost(apply_handler, losers, "SOLD_OUT")
    metrics["refused by Redis"] = _cost(apply_handler, losers, "SOLD_OUT")
    late = [BenchUser(f"late-{number}").request(few) for number in range(calls)]
    metrics["refused from memory, new token"] = _cost(apply_handler, late, "SOLD_OUT")
    metrics["refused from memory"] = _cost(apply_handler, late, "SOLD_OUT")
    reads = [application | {"httpMethod": "GET"} for application in applications]
    my_coupon_handler(reads[0], None)  # connects to MySQL
    metrics["coupon status"] = _cost(my_coupon_handler, reads, "ISSUED")
    metrics["health"] = _cost(health_handler, reads, "ok")
    ready_handler(reads[0], None)  # connects to all
    metrics["ready"] = _cost(ready_handler, reads, "ready")
    return metrics


def _create(campaign_id: str, quantity: int) -> None:
    campaign = {
        "id": campaign_id,
        "name": "Bench",
        "quantity": quantity,
        "opens_at": "2020-01-01T00:00:00Z",
        "closes_at": "2099-01-01T00:00:00Z",
    }
    response = create_campaign_handler(BenchUser("admin").request(body=campaign), None)
    if response["statusCode"] != CREATED:
        sys.exit(f"no campaign: {response['body']}")


def _issue(campaign_id: str, winners: list[BenchUser]) -> None:
    """Write the winners' coupons, in the order of their serials."""
    now_ms = int(time.time() * 1000)
    coupons = [
        CouponAccepted(campaign_id, winner.name, serial, now_ms)
        for serial, winner in enumerate(winners, 1)
    ]
    record = Record("bench", 0, 0, now_ms, None, None)
    settled = wiring.ledger().write(
        [DecodedRecord(coupon, lambda: record) for coupon in coupons], []
    )
    wiring.admissions().settle(settled)


def _cost(
    handler: Callable[[dict[str, Any], Any], dict[str, Any]],
    events: list[dict[str, Any]],
    expected: str,
) -> dict[str, float]:
    cpu, clock = time.process_time(), time.perf_counter()
    responses = [handler(event, None) for event in events]
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    for response in responses:
        if f'"{expected}"' not in response["body"]:
            sys.exit(f"{expected} was expected, not {response['body']}")
    return {"cpu_us": cpu / len(events) * 1e6, "clock_us": clock / len(events) * 1e6}


if __name__ == "__main__":
    main()
