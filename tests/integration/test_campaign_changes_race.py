"""Campaigns that change while hundreds apply at once: the counts in MySQL say what was promised."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.mysql.direct_writer import DirectWriter
from handlers.adapters.redis.campaign_changes import NARROW
from handlers.consume import consume_handler
from handlers.domain import times
from tests.support.changes import events, in_mysql, in_redis, patch, tag
from tests.support.mutated import change
from tests.support.service import apply, coupons, create_campaign, failures, kafka_event, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handlers.config import Settings
    from tests.support.service import Response

PEOPLE, THREADS = 300, 16
FINAL = {"SOLD_OUT", "CLOSED"}


class Crowd:
    """Applies from many threads; a change may be made in the middle of it."""

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self.responses: list[tuple[float, Response]] = []  # when each was sent

    def apply(self, user: str) -> Response:
        sent_s = time.monotonic()
        response = apply(self._campaign_id, user)
        self.responses.append((sent_s, response))
        return response

    def run(self, users: Sequence[str], meanwhile: Callable[[], object]) -> None:
        """Let all apply: a third before `meanwhile` is called, a third beside it, the rest after.

        The last third waits for it. Else a slow change would find that all have their response.
        """
        a_third, returned = Event(), Event()

        def one(numbered: tuple[int, str]) -> None:
            number, user = numbered
            if number >= len(users) * 2 // 3:
                returned.wait()
            self.apply(user)
            if len(self.responses) > len(users) // 3:
                a_third.set()

        def make_change() -> None:
            a_third.wait()
            try:
                meanwhile()
            finally:
                returned.set()

        with ThreadPoolExecutor(THREADS + 1) as pool:
            changed = pool.submit(make_change)
            list(pool.map(one, enumerate(users)))
            changed.result()

    @property
    def accepted(self) -> list[tuple[str, int]]:
        """Each accepted user with the serial, by serial."""
        found = [one.body for _, one in self.responses if one.code == "ACCEPTED"]
        return sorted(((one["user_id"], one["serial"]) for one in found), key=lambda pair: pair[1])

    def codes(self, since_s: float = 0.0) -> Counter[str]:
        return Counter(one.code for sent_s, one in self.responses if sent_s > since_s)


@pytest.fixture
def crowd(service: Settings, campaign_id: str) -> Iterator[Crowd]:
    """People; at the end each who was accepted has a row, and no one else."""
    made = Crowd(campaign_id)
    yield made
    records = [message(campaign_id, user, serial) for user, serial in made.accepted]
    consume_handler(kafka_event(records), None)
    assert coupons(service, campaign_id) == made.accepted
    assert failures(service, campaign_id) == {}
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert len(made.accepted) <= in_mysql(campaign_id)["quantity"]


def people(first: int = 0, count: int = PEOPLE) -> list[str]:
    return [f"user-{number}" for number in range(first, first + count)]


def changed(campaign_id: str, fields: dict[str, Any]) -> Callable[[], None]:
    def make() -> None:
        response = patch(campaign_id, fields)
        assert response.status == 200, response

    return make


def test_a_quantity_that_is_raised_is_given_to_the_last_one(crowd: Crowd, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=50)
    crowd.run(people(), changed(campaign_id, {"quantity": 120}))
    refused = [user for user in people() if user not in dict(crowd.accepted)]
    crowd.run(refused, lambda: None)
    assert len(crowd.accepted) == 120
    assert set(crowd.codes()) == {"ACCEPTED", "SOLD_OUT"}


def test_a_quantity_that_is_lowered_is_never_exceeded(crowd: Crowd, campaign_id: str) -> None:
    """Lowered again and again to what is just not yet given, until it is."""
    create_campaign(campaign_id, quantity=1000)
    statuses: Counter[int] = Counter()

    def lower() -> None:
        for quantity in range(PEOPLE - 60, PEOPLE // 4, -15):
            statuses[patch(campaign_id, {"quantity": quantity}).status] += 1

    crowd.run(people(), lower)
    assert statuses[200]
    assert statuses[409]
    assert statuses.keys() == {200, 409}
    assert len(crowd.accepted) == in_mysql(campaign_id)["quantity"]


def test_control_without_the_look_at_the_highest_serial_more_are_accepted_than_the_row_allows(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, NARROW, "if highest > quantity + places then", "if false then")
    # MySQL would refuse the change for a row; on a slow machine Kafka's answer may come too late.
    monkeypatch.setattr(DirectWriter, "write_all", lambda _, admitted: [False] * len(admitted))
    create_campaign(campaign_id, quantity=1000)
    crowd = Crowd(campaign_id)
    crowd.run(people(), changed(campaign_id, {"quantity": 10}))
    records = [message(campaign_id, user, serial) for user, serial in crowd.accepted]
    consume_handler(kafka_event(records), None)
    assert set(failures(service, campaign_id).values()) == {"SERIAL_OUT_OF_RANGE"}


def test_after_a_campaign_was_closed_no_one_is_accepted(crowd: Crowd, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=1000)
    closed_s: list[float] = []

    def close() -> None:
        changed(campaign_id, {"closes_at": "now"})()
        closed_s.append(time.monotonic())

    crowd.run(people(), close)
    crowd.run(people(PEOPLE, 20), lambda: None)
    assert set(crowd.codes(closed_s[0])) == {"CLOSED"}
    pending = wiring.scripts().command(
        "ZRANGE", f"coupon:{{{campaign_id}}}:pending", 0, -1, "WITHSCORES"
    )
    admitted_at_ms = [int(float(score)) for score in pending[1::2]]
    assert max(admitted_at_ms) <= times.from_iso(in_mysql(campaign_id)["closes_at"])
    assert 0 < len(crowd.accepted) < PEOPLE


def test_a_campaign_that_is_extended_goes_on(crowd: Crowd, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=1000)
    changed(campaign_id, {"closes_at": "now"})()
    crowd.run(people(), changed(campaign_id, {"closes_at": "2040-01-01T00:00:00.000Z"}))
    assert set(crowd.codes()) <= {"CLOSED", "ACCEPTED"}
    refused = [user for user in people() if user not in dict(crowd.accepted)]
    assert refused
    crowd.run(refused, lambda: None)
    assert len(crowd.accepted) == PEOPLE


def test_while_a_campaign_is_paused_no_one_is_accepted_and_then_everyone(
    crowd: Crowd, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=1000)
    paused_s: list[float] = []

    def pause() -> None:
        changed(campaign_id, {"paused": True})()
        paused_s.append(time.monotonic())

    crowd.run(people(), pause)
    assert set(crowd.codes(paused_s[0])) == {"PAUSED"}
    changed(campaign_id, {"paused": False})()
    waiting = [user for user in people() if user not in dict(crowd.accepted)]
    crowd.run(waiting, lambda: None)
    assert len(crowd.accepted) == PEOPLE


def test_of_administrators_who_change_the_same_version_one_succeeds(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=50)
    seen = tag(campaign_id)
    with ThreadPoolExecutor(8) as pool:
        numbers = range(51, 67)
        statuses = Counter(
            pool.map(lambda number: patch(campaign_id, {"quantity": number}, seen).status, numbers)
        )
    assert statuses == {200: 1, 412: 15}
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert in_mysql(campaign_id)["version"] == 2
    assert [kind for kind, *_ in events(service, campaign_id)] == ["CREATED", "CHANGED"]


def test_changes_one_after_the_other_by_several_administrators_all_count(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=50)

    def change_name(number: int) -> None:
        while patch(campaign_id, {"name": f"Name {number}"}, tag(campaign_id)).status != 200:
            pass  # another one was first: once more, from its version

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change_name, range(12)))
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    # A change that was answered with 503 may have been made; then it was made once more.
    version = in_mysql(campaign_id)["version"]
    assert version >= 13
    assert len(events(service, campaign_id)) == version
