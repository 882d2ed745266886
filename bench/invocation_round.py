"""One round of bench/invocation_cost.py: the handlers on the import path, called one by one.

Prints JSON, by outcome: microseconds of CPU (this process, all threads) and by the clock per call.
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

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 10
CREATED = 201
HOUR_S = 3600


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    name: str

    def asks(self, campaign_id: str = "", body: object = None) -> dict[str, Any]:
        """Return the event of a request as API Gateway brings it, as far as it matters here."""
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
    """Bring about every outcome as often as the first argument says."""
    calls = int(sys.argv[1])
    # Log lines are written all the same, to where they cost no other program anything.
    with (
        Path(os.devnull).open("w", encoding="utf-8", buffering=1) as nowhere,
        redirect_stderr(nowhere),
    ):
        figures = _figures(calls)
        wiring.reset()
    print(json.dumps(figures))


def _figures(calls: int) -> dict[str, dict[str, float]]:
    few, many = (f"{kind}-{os.getpid()}" for kind in ("few", "many"))
    _create(few, FEW)
    _create(many, calls)
    figures = {}
    # More winners than the memory of refusals keeps, so that Redis is asked about everybody.
    winners = [Person(f"winner-{number}") for number in range(calls)]
    applications = [winner.asks(many) for winner in winners]
    # Whoever is first finds everything connected.
    for number in range(FEW + 1):
        apply_handler(Person(f"first-{number}").asks(few), None)
    figures["accepted"] = _cost(apply_handler, applications, "ACCEPTED")
    _issue(many, winners)
    figures["already applied"] = _cost(apply_handler, applications, "ALREADY_APPLIED")
    losers = [Person(f"loser-{number}").asks(many) for number in range(calls)]
    figures["refused by Redis, new token"] = _cost(apply_handler, losers, "SOLD_OUT")
    figures["refused by Redis"] = _cost(apply_handler, losers, "SOLD_OUT")
    late = [Person(f"late-{number}").asks(few) for number in range(calls)]
    figures["refused from memory, new token"] = _cost(apply_handler, late, "SOLD_OUT")
    figures["refused from memory"] = _cost(apply_handler, late, "SOLD_OUT")
    my_coupon_handler(applications[0], None)  # connects to MySQL
    figures["coupon status"] = _cost(my_coupon_handler, applications, "ISSUED")
    return figures


def _create(campaign_id: str, quantity: int) -> None:
    campaign = {
        "id": campaign_id,
        "name": "Bench",
        "quantity": quantity,
        "opens_at": "2020-01-01T00:00:00Z",
        "closes_at": "2099-01-01T00:00:00Z",
    }
    answer = create_campaign_handler(Person("admin").asks(body=campaign), None)
    if answer["statusCode"] != CREATED:
        sys.exit(f"no campaign: {answer['body']}")


def _issue(campaign_id: str, winners: list[Person]) -> None:
    """Write the winners' coupons, who came in the order of their serials."""
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
    answers = [handler(event, None) for event in events]
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    for answer in answers:
        if f'"{expected}"' not in answer["body"]:
            sys.exit(f"{expected} was expected, not {answer['body']}")
    return {"cpu_us": cpu / len(events) * 1e6, "clock_us": clock / len(events) * 1e6}


if __name__ == "__main__":
    main()
