"""The Java baseline does what it is compared for: one admission a user, and one record each."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer

from bench.java_service import JavaService
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.redis.client import connect
from local.servers.ports import HOST
from local.token import bearer
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.config import Settings


@pytest.mark.timeout(900)  # Maven fetches its libraries, once
def test_each_user_is_admitted_once_and_sent_to_kafka(service: Settings, campaign_id: str) -> None:
    users = [f"{campaign_id}-{number}" for number in range(3)]
    with JavaService() as java:
        answers = [_apply(java, service, campaign_id, user) for user in (*users, users[0])]
        accepted = {"campaign_id": campaign_id, "outcome": "ACCEPTED"}
        assert answers == [
            *((202, {**accepted, "user_id": user, "serial": n}) for n, user in enumerate(users, 1)),
            (409, {"code": "ALREADY_APPLIED"}),
        ]
        sent = [user.encode() for user in users]
        eventually(lambda: _values(service, campaign_id) == sent, "the users in the topic")
    with closing(connect(service)) as redis:
        assert redis.scard(f"java:{campaign_id}:users") == len(users)
        assert redis.incrby(f"java:{campaign_id}:count", 0) == len(users)


def _apply(java: JavaService, settings: Settings, campaign_id: str, user: str) -> tuple[int, Any]:
    with closing(HTTPConnection(HOST, java.port, timeout=60)) as connection:
        headers = bearer(settings.auth_jwt_secret, user)
        connection.request("POST", f"/campaigns/{campaign_id}/apply", headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def _values(settings: Settings, campaign_id: str) -> list[bytes]:
    """Return what the topic has of this campaign's users, in order."""
    options = connection_options(settings) | {
        "auto_offset_reset": "earliest",
        "consumer_timeout_ms": 1000,
    }
    with closing(KafkaConsumer(settings.coupon_topic, group_id=None, **options)) as consumer:
        return sorted(r.value for r in consumer if r.value.startswith(campaign_id.encode()))
