"""Helpers for tests of the running service: requests as a client, queries of its servers."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pymysql

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.domain import times
from handlers.domain.coupon import CouponAccepted
from handlers.routes import ROUTES
from local.token import sign
from tests.support.described import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from handlers.config import Settings

ADMIN = "coupon:admin"
HANDLERS = {f"{route.method} {route.path}": route.handler for route in ROUTES}


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The outcome, or the code of the error."""
        return str(self.body.get("outcome") or self.body.get("code"))


def mint(user: str, scope: str = "", ttl_s: float = 3600) -> str:
    claims = {"sub": user, "exp": time.time() + ttl_s, "scope": scope}
    return sign(claims, os.environ["AUTH_JWT_SECRET"])


def ask(
    call: str,
    campaign_id: str | None = None,
    *,
    user: str | None = None,
    scope: str = "",
    body: object = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    path: dict[str, str] | None = None,
) -> Response:
    """Call a handler directly: `call` is "POST /campaigns/{id}/apply" and the like.

    The answer has to be one that the interface's description names.
    """
    authorization = {"Authorization": f"Bearer {mint(user, scope)}"} if user else {}
    event = {
        "headers": authorization | (headers or {}),
        "pathParameters": {"id": campaign_id} if campaign_id else path,
        "queryStringParameters": query,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"requestId": f"test-{user}"},
    }
    response = HANDLERS[call](event, None)
    is_json = "json" in response["headers"].get("Content-Type", "")
    content = json.loads(response["body"]) if is_json else response["body"]
    answer = Response(response["statusCode"], response["headers"], content)
    method, route = call.split()
    check_answer(method, route, answer.status, answer.headers, answer.body)
    return answer


def apply(campaign_id: str, user: str) -> Response:
    return ask("POST /campaigns/{id}/apply", campaign_id, user=user)


def campaign_body(
    campaign_id: str, quantity: int = 100, opens_in_s: float = -60, open_for_s: float = 3600
) -> dict[str, Any]:
    opens_at_ms = int((time.time() + opens_in_s) * 1000)
    return {
        "id": campaign_id,
        "name": "Test",
        "quantity": quantity,
        "opens_at": times.to_iso(opens_at_ms),
        "closes_at": times.to_iso(opens_at_ms + int(open_for_s * 1000)),
    }


def create_campaign(campaign_id: str, quantity: int = 100, **window: float) -> None:
    body = campaign_body(campaign_id, quantity, **window)
    response = ask("POST /campaigns", user="admin", scope=ADMIN, body=body)
    assert response.status == 201, response


def winners(campaign_id: str, query: dict[str, str], **headers: str) -> Response:
    return ask(
        "GET /campaigns/{id}/coupons",
        campaign_id,
        user="admin",
        scope=ADMIN,
        query=query,
        headers=headers,
    )


def failed_events(query: dict[str, str]) -> Response:
    return ask("GET /failed-events", user="admin", scope=ADMIN, query=query)


def at_once(actions: Sequence[Callable[[], Response]], threads: int = 32) -> list[Response]:
    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(action) for action in actions]]


def message(campaign_id: str, user: str, serial: int, fence: int = 0) -> CouponAccepted:
    return CouponAccepted(campaign_id, user, serial, 1_763_780_400_123, fence)


def kafka_event(values: Iterable[CouponAccepted | bytes | None], first: int = 0) -> dict[str, Any]:
    """Return Lambda's event with one record per value in partition 0, offsets from `first`."""
    records = []
    for offset, value in enumerate(values, first):
        raw = value.encode() if isinstance(value, CouponAccepted) else value
        records.append(
            {
                "topic": "coupon_create",
                "partition": 0,
                "offset": offset,
                "timestamp": 1_763_780_400_123,
                "timestampType": "CREATE_TIME",
                "key": None,
                "value": None if raw is None else base64.b64encode(raw).decode(),
                "headers": [{"request_id": [114, 45, -61, -92]}],
            }
        )
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:eu-west-1:123456789012:cluster/test/x",
        "bootstrapServers": "b-1.test:9092",
        "records": {"coupon_create-0": records},
    }


def event_of_unread(user: str) -> dict[str, Any]:
    """Return Lambda's event with this user's records that the consumer group has not read."""
    event = kafka_event([]) | {"records": {}}
    for value, position in wiring.topic().unconsumed().records:
        if value and f'"user_id":"{user}"'.encode() in value:
            key = f"{position.topic}-{position.partition}"
            [record] = kafka_event([value], position.offset)["records"]["coupon_create-0"]
            record |= {"topic": position.topic, "partition": position.partition}
            event["records"].setdefault(key, []).append(record)
    return event


def cut_off_redis(settings: Settings) -> None:
    """Let the service call a Redis that does not exist; its password must appear nowhere."""
    scripts = wiring.scripts()
    scripts.close()
    nowhere = dataclasses.replace(settings, redis_url="redis://:redis-password@127.0.0.1:1")
    scripts._connect = lambda: connect(nowhere)


def rows(settings: Settings, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Query MySQL itself, over the test's own connection."""
    address = settings.database_address
    assert address
    with (
        closing(
            pymysql.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                autocommit=True,
                ssl_disabled=True,  # otherwise each would read the system's certificates: 30 ms
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def coupons(settings: Settings, campaign_id: str) -> list[tuple[str, int]]:
    """Return (user, serial) of every coupon in MySQL, by serial."""
    statement = "SELECT user_id, serial FROM coupon WHERE campaign_id = %s ORDER BY serial, user_id"
    return [(user, serial) for user, serial in rows(settings, statement, campaign_id)]


def failures(settings: Settings, campaign_id: str) -> dict[str, str]:
    """Return the reason of every failed event of a campaign, by user."""
    statement = "SELECT user_id, reason FROM failed_event WHERE campaign_id = %s"
    return dict(rows(settings, statement, campaign_id))


def redis_dump(settings: Settings) -> dict[bytes, Any]:
    """Return our keys in Redis with their serialized values, without those that expire."""
    with closing(connect(settings)) as client:
        keys = sorted(client.scan_iter("coupon:*"))
        return {key: client.dump(key) for key in keys if not key.endswith((b":rate", b":refused"))}
