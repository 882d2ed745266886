"""Measure `GET /campaigns`: one status after another, as it was, and as it is.

    python -m bench.campaign_list [--campaigns 1000] [--rounds 20]

Starts a Valkey of its own. Each value is the median of the rounds, in which the variants take
turns: milliseconds of one call in this process, and of Redis's processor time for it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import redis

from handlers import wiring
from handlers.domain import campaign_list
from handlers.domain.campaign import Campaign
from handlers.routes import ROUTES
from local.cli import integer
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.servers import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIST = next(one.handler for one in ROUTES if (one.method, one.path) == ("GET", "/campaigns"))
CAMPAIGNS, CAMPAIGNS_MAX, ROUNDS = 1000, 1000, 20
FOREVER_MS = 2**42
ELSEWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://user:password@127.0.0.1:1/none",
}
Times = tuple[float, float]  # ms of the call, ms of Redis


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement and print it; return 0."""
    options = _parser().parse_args(arguments)
    with Valkey() as valkey:
        os.environ.update(DEVELOPMENT_SETTINGS, REDIS_URL=valkey.url, **ELSEWHERE)
        _open(options.campaigns)
        client = redis.Redis.from_url(valkey.url)
        found: dict[str, list[Times]] = {}
        for _ in range(options.rounds):
            for name, call in _variants(options.campaigns).items():
                found.setdefault(name, []).append(_time_of(call, client))
    print(f"{options.campaigns} campaigns, {options.rounds} rounds: ms of a call, ms of Redis")
    for name, times in found.items():
        call_ms, redis_ms = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:26}{call_ms:8.2f}{redis_ms:8.2f}")
    return 0


def _open(count: int) -> None:
    rebuild = wiring.redis_rebuild()
    rebuild.renew_epoch(rebuild.begin_epoch(), [])
    for number in range(count):
        name = f"campaign-{number:04}"
        wiring.redis_campaigns().open(Campaign(name, name, 100, 0, FOREVER_MS), created=True)


def _variants(count: int) -> dict[str, Callable[[], object]]:
    def page(age_s: float) -> Any:
        campaign_list.RENEW_AFTER_S = age_s
        return LIST({"queryStringParameters": {"limit": str(count)}}, None)

    return {
        "one status after another": _one_after_another,
        "one round trip": lambda: page(0),
        "from the memory": lambda: page(3600),
    }


def _one_after_another() -> object:
    states = wiring.redis_campaigns()
    return [states.status(campaign_id).to_json() for campaign_id in states.ids()]


def _time_of(call: Callable[[], object], client: redis.Redis) -> Times:
    redis_began, began = _redis_ms(client), time.perf_counter()
    call()
    call_ms = (time.perf_counter() - began) * 1000
    return call_ms, _redis_ms(client) - redis_began


def _redis_ms(client: redis.Redis) -> float:
    used: dict[str, Any] = client.info("cpu")
    return float((used["used_cpu_user"] + used["used_cpu_sys"]) * 1000)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.campaign_list",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--campaigns", type=integer(1, CAMPAIGNS_MAX), default=CAMPAIGNS)
    parser.add_argument("--rounds", type=integer(1), default=ROUNDS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
