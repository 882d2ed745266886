"""From one HTTP request to one row in MySQL, through programs and real servers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer

from handlers.adapters.kafka.connection import connection_options
from handlers.config import Settings
from tests.e2e.conftest import chalice_local, gateway, poll_runner, relayed_poll_runner
from tests.support.http_client import Call, Client
from tests.support.service import ADMIN, campaign_body, coupons, failures, message, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.service import Response

# `chalice local` listens with a backlog of 5; more that connect at once may be reset.
CHALICE_THREADS = 5
SERVERS = {"gateway": gateway, "chalice local": chalice_local}


def apply(campaign_id: str, user: str) -> Call:
    return Call("POST", f"/campaigns/{campaign_id}/apply", user)


def create(client: Client, campaign_id: str, quantity: int) -> Response:
    body = campaign_body(campaign_id, quantity)
    return client.send(Call("POST", "/campaigns", "admin", ADMIN, body))


@pytest.mark.parametrize("server", SERVERS)
def test_what_is_accepted_over_http_is_written_to_mysql_and_nothing_else(
    world: dict[str, str], campaign_id: str, server: str
) -> None:
    settings = Settings.from_environment(world)
    with relayed_poll_runner(world), SERVERS[server](world) as client:
        assert create(client, campaign_id, 20).status == 201
        calls = [apply(campaign_id, f"user-{n % 60}") for n in range(120)]
        responses = client.send_all(calls, threads=12)
        assert Counter(a.code for a in responses) == {
            "ACCEPTED": 20,
            "ALREADY_APPLIED": 20,
            "SOLD_OUT": 80,
        }
        accepted = sorted(
            (a.body["serial"], a.body["user_id"]) for a in responses if a.status == 202
        )
        eventually(lambda: len(coupons(settings, campaign_id)) == 20, "20 rows in MySQL")
        assert [(serial, user) for user, serial in coupons(settings, campaign_id)] == accepted
        assert [serial for serial, _ in accepted] == list(range(1, 21))
        winner = accepted[0][1]
        mine = client.send(Call("GET", f"/campaigns/{campaign_id}/coupon", winner)).body
        assert (mine["status"], mine["serial"]) == ("ISSUED", 1)
    assert failures(settings, campaign_id) == {}


def test_2000_interleaved_requests_through_chalice_local_each_get_their_response(
    world: dict[str, str], campaign_id: str
) -> None:
    with chalice_local(world) as client:
        assert create(client, campaign_id, 10_000).status == 201
        calls = [
            call
            for n in range(500)
            for call in (
                apply(campaign_id, f"user-{n}"),
                apply(f"unknown-{n}", f"user-{n}"),
                Call("POST", "/campaigns", f"admin-{n}", ADMIN, campaign_body(f"camp-{n}", n + 1)),
                Call("POST", f"/campaigns/{campaign_id}/apply", f"user-{n}", headers={"N": str(n)}),
            )
        ]
        responses = client.send_all(calls, CHALICE_THREADS)
    serial_of: dict[str, set[int]] = {}
    for call, response in zip(calls, responses, strict=True):
        if call.path.startswith("/campaigns/unknown"):
            assert (response.status, response.code) == (404, "CAMPAIGN_NOT_FOUND")
        elif call.path == "/campaigns":
            assert isinstance(call.body, dict)
            assert (response.status, response.body) == (201, call.body)
        else:
            assert response.body["user_id"] == call.user
            serial_of.setdefault(response.body["user_id"], set()).add(response.body["serial"])
    assert len(serial_of) == 500
    assert {len(serials) for serials in serial_of.values()} == {1}
    assert len(set.union(*serial_of.values())) == 500


def test_a_record_forged_straight_into_kafka_is_refused_by_the_schema_and_stored(
    world: dict[str, str], campaign_id: str
) -> None:
    settings = Settings.from_environment(world)
    with gateway(world) as client:
        assert create(client, campaign_id, 3).status == 201
        assert client.send(apply(campaign_id, "winner")).status == 202
        forged = {
            "above": message(campaign_id, "above", 4).encode(),
            "thief": message(campaign_id, "thief", 1).encode(),
            "lost": message(f"{campaign_id}-none", "lost", 1).encode(),
            "noise": b"\x00\xff noise",
        }
        with poll_runner(world):
            eventually(lambda: bool(coupons(settings, campaign_id)), "the winner's row")
            producer = KafkaProducer(**connection_options(settings))
            for key, value in forged.items():
                producer.send(settings.coupon_topic, key=key.encode(), value=value)
            producer.send(settings.coupon_topic, value=message(campaign_id, "fine", 2).encode())
            producer.close()
            eventually(lambda: len(coupons(settings, campaign_id)) == 2, "the last record")
            eventually(lambda: len(_kept(settings)) == len(forged), "four failed events")
        listed = client.send(Call("GET", "/failed-events?limit=10", "admin", ADMIN)).body
    assert coupons(settings, campaign_id) == [("winner", 1), ("fine", 2)]
    assert _kept(settings) == {
        (b"above", forged["above"], "SERIAL_OUT_OF_RANGE"),
        (b"thief", forged["thief"], "SERIAL_TAKEN"),
        (b"lost", forged["lost"], "CAMPAIGN_UNKNOWN"),
        (b"noise", forged["noise"], "UNDECODABLE"),
    }
    assert {event["status"] for event in listed["failed_events"]} == {"PENDING"}


def _kept(settings: Settings) -> set[tuple[bytes, bytes, str]]:
    return set(rows(settings, "SELECT record_key, payload, reason FROM failed_event"))
