"""Groups of applicants on real servers: the race, forgotten scripts, answers and acks lost."""

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

THREADS, GROUP = 8, 25
TOO_LARGE = 2_000_000  # bytes; Kafka's requests hold one million


def applied(campaign_id: str, users: Sequence[str]) -> list[dict[str, Any]]:
    """Let a group apply; return what each is told."""
    events = [
        {
            "headers": {"Authorization": f"Bearer {mint(user)}"},
            "pathParameters": {"id": campaign_id},
            "requestContext": {"requestId": f"test-{user}"},
        }
        for user in users
    ]
    answers = dict(apply_batch(events))
    return [json.loads(answers[place]["body"]) for place in range(len(users))]


def in_groups(users: Sequence[str], size: int) -> list[Sequence[str]]:
    return [users[start : start + size] for start in range(0, len(users), size)]


def test_of_many_groups_at_once_exactly_as_many_are_accepted_as_there_are_coupons(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLY_RATE_PER_S", "0")
    wiring.reset()
    create_campaign(campaign_id, quantity=60)
    users = [f"user-{n}" for n in range(200)]
    groups = in_groups([user for user in users for _ in range(2)], GROUP)  # everybody twice
    with ThreadPoolExecutor(THREADS) as threads:
        told = [
            one for group in threads.map(lambda g: applied(campaign_id, g), groups) for one in group
        ]
    codes = Counter(one.get("outcome") or one["code"] for one in told)
    assert codes == {"ACCEPTED": 60, "ALREADY_APPLIED": 60, "SOLD_OUT": 280}
    holders = {one["user_id"]: one["serial"] for one in told if "serial" in one}
    assert sorted(holders.values()) == list(range(1, 61))
    assert {(one["user_id"], one["serial"]) for one in told if "serial" in one} == set(
        holders.items()
    )
    keys = CampaignKeys.of(campaign_id)
    with closing(connect(service)) as redis:
        assert redis.zcard(keys.applied_user) == 60
        found: Any = redis.zrange(keys.applied_user, 0, -1, withscores=True)
    assert dict(found) == {user.encode(): serial for user, serial in holders.items()}
    consume_handler(kafka_event(message(campaign_id, *one) for one in holders.items()), None)
    assert dict(coupons(service, campaign_id)) == holders


def test_control_without_the_script_the_same_groups_oversell_or_give_twice(
    settings: Settings, campaign_id: str
) -> None:
    """The guards as single commands that a group sends together, on the same threads."""
    require_to_go_wrong(settings, campaign_id, _race_without_script)


def _race_without_script(redis: Any, key: str) -> bool:
    """Return whether more were given than there are."""

    def naive(group: Sequence[str]) -> int:
        look = redis.pipeline(transaction=False)
        for user in group:
            look.sismember(f"{key}:users", user)
            look.get(f"{key}:count")
        found = look.execute()
        give = redis.pipeline(transaction=False)
        admitted = 0
        for user, holds, count in zip(group, found[::2], found[1::2], strict=True):
            if not holds and int(count or 0) < 10:
                give.sadd(f"{key}:users", user)
                give.incr(f"{key}:count")
                admitted += 1
        give.execute()
        return admitted

    users = [f"user-{n}" for n in range(30) for _ in range(2)]
    with ThreadPoolExecutor(THREADS) as pool:
        given = sum(pool.map(naive, in_groups(users, 5)))
    redis.delete(f"{key}:users", f"{key}:count")
    return given > 10


def serials(decided: Sequence[object], outcome: Outcome) -> list[int]:
    """Return everybody's serial; fail where somebody has another outcome."""
    admissions = [one for one in decided if isinstance(one, Admission)]
    assert [one.outcome for one in admissions] == [outcome] * len(decided)
    return [one.serial for one in admissions]


@pytest.mark.usefixtures("service")
def test_a_group_is_decided_once_also_when_the_server_has_forgotten_the_script(
    settings: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    applicants = [Applicant(campaign_id, f"user-{n}") for n in range(GROUP)]
    with closing(connect(settings)) as redis:
        redis.script_flush()
    decided = wiring.admissions().admit_all(applicants)
    assert serials(decided, Outcome.ACCEPTED) == list(range(1, GROUP + 1))
    again = wiring.admissions().admit_all(applicants)
    assert serials(again, Outcome.ALREADY_APPLIED) == list(range(1, GROUP + 1))


@pytest.mark.usefixtures("service")
def test_a_group_whose_answers_are_lost_half_way_is_told_the_serials_that_it_was_given(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    scripts, admissions = wiring.scripts(), wiring.admissions()
    # The script is known to the server, and this thread has its connection.
    assert admit_one(admissions, campaign_id, "before").serial == 1
    client = scripts._connected()
    assert isinstance(client, ThreadLocalRedis)
    connection: Any = client._own()
    read, reads = connection.read_response, itertools.count()

    def lose(*args: Any, **named: Any) -> object:
        if next(reads) == GROUP // 2:
            raise RedisConnectionError
        return read(*args, **named)

    applicants = [Applicant(campaign_id, f"user-{n}") for n in range(GROUP)]
    with monkeypatch.context() as patched:
        patched.setattr(connection, "read_response", lose)
        decided = admissions.admit_all(applicants)
    assert next(reads) > GROUP // 2 + GROUP  # half of them, none, and then all again
    assert serials(decided, Outcome.ALREADY_APPLIED) == list(range(2, GROUP + 2))
    assert admit_one(admissions, campaign_id, "after").serial == GROUP + 2


@pytest.mark.usefixtures("service")
def test_one_message_that_cannot_be_sent_takes_nobody_elses_ack_and_is_counted_once(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", "20000")  # no slow ack is to be counted here
    wiring.reset()
    publisher = wiring.publisher()
    until = time.monotonic() + 60

    def outgoing(user: str, until: float = until) -> OutgoingMessage:
        return OutgoingMessage(message(campaign_id, user, 1), "request", until)

    assert publisher.publish_all([outgoing("1"), outgoing("2")]) == [True, True]
    group = [outgoing("1"), outgoing("2"), outgoing("x" * TOO_LARGE), outgoing("4")]
    # Who comes after it is not sent; whoever is not acknowledged can be made safe otherwise.
    assert publisher.publish_all(group) == [True, True, False, False]
    assert publisher._breaker._failures == 1
    late = outgoing("3", time.monotonic() - 1)
    assert publisher.publish_all([outgoing("1"), late]) == [True, False]
    assert publisher._breaker._failures == 2
    assert publisher.publish_all([outgoing("1")]) == [True]
    assert publisher._breaker._failures == 0
