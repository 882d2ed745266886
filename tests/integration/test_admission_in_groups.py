"""Batches of applicants on real servers: the race, forgotten scripts, lost replies and acks."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.thread_local_client import ThreadLocalRedis
from handlers.apply import apply_batch
from handlers.consume import consume_handler
from handlers.domain.admission import Admission, Applicant, Outcome
from handlers.domain.coupon import OutgoingMessage
from tests.support.races import require_to_go_wrong
from tests.support.service import coupons, create_campaign, kafka_event, message, mint
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings

THREADS, BATCH = 8, 25
NO_TEXT = "\ud800"  # a user id that UTF-8 cannot write


def applied(campaign_id: str, users: Sequence[str]) -> list[dict[str, Any]]:
    """Let a batch apply; return the body of each response."""
    events = [
        {
            "headers": {"Authorization": f"Bearer {mint(user)}"},
            "pathParameters": {"id": campaign_id},
            "requestContext": {"requestId": f"test-{user}"},
        }
        for user in users
    ]
    responses = dict(apply_batch(events))
    return [json.loads(responses[index]["body"]) for index in range(len(users))]


def in_batches(users: Sequence[str], size: int) -> list[Sequence[str]]:
    return [users[start : start + size] for start in range(0, len(users), size)]


def test_many_batches_at_once_accept_exactly_as_many_as_there_are_coupons(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLY_RATE_PER_S", "0")
    wiring.reset()
    create_campaign(campaign_id, quantity=60)
    users = [f"user-{n}" for n in range(200)]
    batches = in_batches([user for user in users for _ in range(2)], BATCH)  # every user twice
    with ThreadPoolExecutor(THREADS) as threads:
        bodies = [
            one
            for batch in threads.map(lambda g: applied(campaign_id, g), batches)
            for one in batch
        ]
    codes = Counter(one.get("outcome") or one["code"] for one in bodies)
    assert codes == {"ACCEPTED": 60, "ALREADY_APPLIED": 60, "SOLD_OUT": 280}
    holders = {one["user_id"]: one["serial"] for one in bodies if "serial" in one}
    assert sorted(holders.values()) == list(range(1, 61))
    assert {(one["user_id"], one["serial"]) for one in bodies if "serial" in one} == set(
        holders.items()
    )
    keys = CampaignKeys.of(campaign_id)
    with closing(connect(service)) as redis:
        assert redis.zcard(keys.applied_user) == 60
        found: Any = redis.zrange(keys.applied_user, 0, -1, withscores=True)
    assert dict(found) == {user.encode(): serial for user, serial in holders.items()}
    consume_handler(kafka_event(message(campaign_id, *one) for one in holders.items()), None)
    assert dict(coupons(service, campaign_id)) == holders


def test_control_without_the_script_the_same_batches_oversell_or_give_twice(
    settings: Settings, campaign_id: str
) -> None:
    """The guards as single commands in one pipeline per batch, on the same threads."""
    require_to_go_wrong(settings, campaign_id, _race_without_script)


def _race_without_script(redis: Any, key: str) -> bool:
    """Return whether more coupons were given than there are."""

    def naive(batch: Sequence[str]) -> int:
        look = redis.pipeline(transaction=False)
        for user in batch:
            look.sismember(f"{key}:users", user)
            look.get(f"{key}:count")
        found = look.execute()
        give = redis.pipeline(transaction=False)
        admitted = 0
        for user, holds, count in zip(batch, found[::2], found[1::2], strict=True):
            if not holds and int(count or 0) < 10:
                give.sadd(f"{key}:users", user)
                give.incr(f"{key}:count")
                admitted += 1
        give.execute()
        return admitted

    users = [f"user-{n}" for n in range(30) for _ in range(2)]
    with ThreadPoolExecutor(THREADS) as pool:
        given = sum(pool.map(naive, in_batches(users, 5)))
    redis.delete(f"{key}:users", f"{key}:count")
    return given > 10


def serials(decided: Sequence[object], outcome: Outcome) -> list[int]:
    """Return every user's serial; fail where a user has another outcome."""
    admissions = [one for one in decided if isinstance(one, Admission)]
    assert [one.outcome for one in admissions] == [outcome] * len(decided)
    return [one.serial for one in admissions]


@pytest.mark.usefixtures("service")
def test_a_batch_is_decided_once_also_when_the_server_has_forgotten_the_script(
    settings: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    applicants = [Applicant(campaign_id, f"user-{n}") for n in range(BATCH)]
    with closing(connect(settings)) as redis:
        redis.script_flush()
    decided = wiring.admissions().admit_all(applicants)
    assert serials(decided, Outcome.ACCEPTED) == list(range(1, BATCH + 1))
    again = wiring.admissions().admit_all(applicants)
    assert serials(again, Outcome.ALREADY_APPLIED) == list(range(1, BATCH + 1))


@pytest.mark.usefixtures("service")
@pytest.mark.single_redis
def test_a_batch_whose_replies_are_lost_half_way_gets_the_serials_of_the_first_try(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = campaign_id, f"{campaign_id}-2"  # a reply for each
    scripts, admissions = wiring.scripts(), wiring.admissions()
    for campaign in campaigns:
        create_campaign(campaign)
        # The server knows the script, and this thread has its connection.
        assert admit_one(admissions, campaign, "before").serial == 1
    client = scripts._connected()
    assert isinstance(client, ThreadLocalRedis)
    connection: Any = client._own().raw
    read, reads = connection.read_response, itertools.count()

    def lose(*args: Any, **named: Any) -> object:
        if next(reads) == 1:
            raise RedisConnectionError
        return read(*args, **named)

    applicants = [Applicant(one, f"user-{n}") for n in range(BATCH) for one in campaigns]
    with monkeypatch.context() as patched:
        patched.setattr(connection, "read_response", lose)
        decided = admissions.admit_all(applicants)
    assert next(reads) == 1 + 1 + 2  # one, none, and then both again
    for index, campaign in enumerate(campaigns):
        expected = list(range(2, BATCH + 2))
        assert serials(decided[index::2], Outcome.ALREADY_APPLIED) == expected
        assert admit_one(admissions, campaign, "after").serial == BATCH + 2


@pytest.mark.usefixtures("service")
def test_a_group_with_a_message_that_cannot_be_sent_gets_no_ack_and_counts_as_one_failure(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", "20000")  # no slow ack is to be counted here
    wiring.reset()
    publisher = wiring.publisher()
    deadline = time.monotonic() + 60

    def outgoing(user: str, deadline: float = deadline) -> OutgoingMessage:
        return OutgoingMessage(message(campaign_id, user, 1), "request", deadline)

    assert publisher.publish_all([outgoing("1"), outgoing("2")]) == [True, True]
    # Without an ack each can be made safe otherwise.
    assert publisher.publish_all([outgoing("1"), outgoing(NO_TEXT), outgoing("4")]) == [False] * 3
    assert publisher._breaker._failures == 1
    late = outgoing("3", time.monotonic() - 1)
    assert publisher.publish_all([late]) == [False]
    assert publisher._breaker._failures == 1  # it says nothing about Kafka
    assert publisher.publish_all([outgoing("1"), late]) == [True, False]
    assert publisher._breaker._failures == 0
