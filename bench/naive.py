"""A first naive version, in the same gateway: SADD, INCR, a send without waiting for the ack.

It loses coupons when a process or Kafka fails, and counts past its quantity: for comparison only.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import KafkaProducer

from handlers import wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response, problem
from local.gateway.app import make_application

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.edge.http.request import Request

QUANTITY = 10_000_000


@cache
def _producer() -> Any:
    return KafkaProducer(**connection_options(wiring.settings()))


@endpoint
def naive_handler(request: Request) -> dict[str, Any]:
    """Respond to one applicant."""
    user = wiring.authenticator().authenticate(request.headers)
    campaign_id, redis = request.campaign_id(), wiring.scripts()
    if not redis.command("SADD", f"naive:{campaign_id}:users", user.id):
        return json_response(200, {"outcome": "ALREADY_APPLIED"})
    serial = redis.command("INCR", f"naive:{campaign_id}:count")
    if serial > QUANTITY:
        return problem("SOLD_OUT", "All are gone.", request.request_id)
    _producer().send(wiring.settings().coupon_topic, user.id.encode())
    body = {"campaign_id": campaign_id, "user_id": user.id, "outcome": "ACCEPTED", "serial": serial}
    return json_response(202, body)


class NaiveRoute(NamedTuple):
    """A route that handlers/routes.py does not have."""

    method: str
    path: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    fast_path: None = None
    batch_handler: None = None
    takes_body: bool = False


application = make_application([NaiveRoute("POST", "/campaigns/{id}/apply", naive_handler)])
