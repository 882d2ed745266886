"""The redrive: a record that was not written is written later, or given up with an alarm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pymysql.constants import ER

from handlers import wiring
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.domain.errors import UnavailableError
from handlers.redrive import redrive_handler
from local.lambda_context import LambdaContext
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    coupons,
    create_campaign,
    cut_off_redis,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymysql.cursors import Cursor

    from handlers.config import Settings
    from handlers.domain.record import DecodedRecord
    from tests.support.service import Response


def fail(*messages: Any, first: int = 0) -> None:
    consume_handler(kafka_event(messages, first), None)


def states(settings: Settings) -> list[tuple[str, str, int]]:
    """Return status, reason and attempts of every failed event, by id."""
    return rows(settings, "SELECT status, reason, attempts FROM failed_event ORDER BY id")


def redrive_now(**query: str) -> Response:
    return ask("POST /failed-events/redrive", user="admin", scope=ADMIN, query=query)


@contextmanager
def refusing(user: str, state: str, error: int) -> Iterator[None]:
    """Let MySQL raise an error for every row of this user during the block.

    Not by a trigger, which needs more than the rights on one schema where MySQL has a binary log.
    """
    insert = Ledger.insert

    def refuse(
        self: Ledger, cursor: Cursor, accepted: Sequence[DecodedRecord], *, direct: bool = False
    ) -> Any:
        if any(one.coupon.user_id == user for one in accepted):
            cursor.execute(f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {error}")
        return insert(self, cursor, accepted, direct=direct)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "insert", refuse)
        yield


def test_a_record_of_a_campaign_that_came_later_is_written(
    service: Settings, campaign_id: str
) -> None:
    fail(message(campaign_id, "early", 1))
    assert redrive_handler({}, None) == {"resolved": 0, "retried": 1, "dead": 0}
    assert redrive_handler({}, None) == {"resolved": 0, "retried": 0, "dead": 0}
    create_campaign(campaign_id, quantity=2)
    assert redrive_now().body == {"resolved": 1, "retried": 0, "dead": 0}
    assert coupons(service, campaign_id) == [("early", 1)]
    assert states(service) == [("RESOLVED", "CAMPAIGN_UNKNOWN", 2)]
    assert apply(campaign_id, "early").code == "ALREADY_APPLIED"
    assert apply(campaign_id, "next").body["serial"] == 2


def test_a_user_whose_serial_belongs_to_another_gets_a_free_one_while_one_is_left(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=3)
    fail(message(campaign_id, "owner", 1))
    fail(message(campaign_id, "second", 1), message(campaign_id, "third", 1), first=1)
    fail(message(campaign_id, "fourth", 1), first=3)
    assert redrive_handler({}, None) == {"resolved": 2, "retried": 1, "dead": 0}
    assert coupons(service, campaign_id) == [("owner", 1), ("second", 2), ("third", 3)]
    [(status, detail)] = rows(
        service, "SELECT status, detail FROM failed_event WHERE user_id = 'fourth'"
    )
    assert (status, detail) == ("PENDING", "serial 1 belongs to another user; no serial is left")
    assert [apply(campaign_id, user).body["serial"] for user in ("second", "third")] == [2, 3]


def test_a_returned_serial_is_used_first(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    fail(message(campaign_id, "owner", 3))
    with closing(connect(service)) as redis:
        redis.rpush(f"coupon:{{{campaign_id}}}:returned", 2)
    fail(message(campaign_id, "late", 3), first=1)
    redrive_handler({}, None)
    assert coupons(service, campaign_id) == [("late", 2), ("owner", 3)]


def test_where_redis_is_behind_mysql_a_free_serial_is_found_all_the_same(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=6)
    fail(*[message(campaign_id, f"owner-{n}", n) for n in range(1, 5)])
    with closing(connect(service)) as redis:
        redis.set(f"coupon:{{{campaign_id}}}:coupon_count", 1)
        redis.zremrangebyscore(f"coupon:{{{campaign_id}}}:applied_user", 2, "+inf")
    fail(message(campaign_id, "late", 2), first=9)
    redrive_handler({}, None)
    assert ("late", 5) in coupons(service, campaign_id)


def test_a_search_for_a_free_serial_goes_on_where_it_was_left(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=50)
    fail(*[message(campaign_id, f"owner-{n}", n) for n in range(1, 31)])
    with closing(connect(service)) as redis:
        redis.set(f"coupon:{{{campaign_id}}}:coupon_count", 1)
        redis.zremrangebyscore(f"coupon:{{{campaign_id}}}:applied_user", 2, "+inf")
    fail(message(campaign_id, "late", 1), first=40)
    assert redrive_now().body == {"resolved": 0, "retried": 1, "dead": 0}
    assert redrive_now().body == {"resolved": 1, "retried": 0, "dead": 0}
    assert ("late", 31) in coupons(service, campaign_id)


def test_an_attempt_interrupted_after_the_new_serial_gives_the_same_one_again(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=9)
    fail(message(campaign_id, "owner", 1))
    fail(message(campaign_id, "late", 1), first=1)
    late = message(campaign_id, "late", 1)
    assert wiring.admissions().reassign(late) == late._replace(serial=2, fence=1)
    redrive_handler({}, None)
    assert coupons(service, campaign_id) == [("owner", 1), ("late", 2)]
    assert apply(campaign_id, "next").body["serial"] == 3


def test_a_second_record_of_a_user_with_a_coupon_is_resolved_and_gives_no_second_one(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    fail(message(campaign_id, "42", 1))
    fail(message(campaign_id, "42", 2), first=1)
    assert redrive_handler({}, None)["resolved"] == 1
    assert coupons(service, campaign_id) == [("42", 1)]


def test_after_its_last_attempt_an_event_is_dead_counted_and_logged(
    service: Settings,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REDRIVE_MAX_ATTEMPTS", "3")
    wiring.reset()
    create_campaign(campaign_id, quantity=1)
    apply(campaign_id, "42")
    fail(b"noise", message(campaign_id, "42", 2))
    for _ in range(3):
        redrive_now()
    assert sorted(states(service)) == [
        ("DEAD", "SERIAL_OUT_OF_RANGE", 3),
        ("DEAD", "UNDECODABLE", 3),
    ]
    [alarm] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert alarm.__dict__["fields"]["DeadFailedEvents"] == 2
    assert redrive_now().body == {"resolved": 0, "retried": 0, "dead": 0}
    mine = ask("GET /campaigns/{id}/coupon", campaign_id, user="42").body
    assert (mine["status"], mine["serial"]) == ("FAILED", 1)
    assert redrive_now(status="DEAD").body == {"resolved": 0, "retried": 0, "dead": 2}


def test_what_mysql_keeps_refusing_is_given_up_and_holds_up_nothing_else(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRIVE_MAX_ATTEMPTS", "2")
    wiring.reset()
    fail(*[message(campaign_id, user, n) for n, user in enumerate(["a", "refused", "c"], 1)])
    create_campaign(campaign_id, quantity=3)
    with refusing("refused", "22001", ER.DATA_TOO_LONG):
        assert redrive_handler({}, None) == {"resolved": 2, "retried": 1, "dead": 0}
        assert coupons(service, campaign_id) == [("a", 1), ("c", 3)]
        assert states(service)[1] == ("PENDING", "NOT_INSERTED", 1)
        assert redrive_handler({}, None) == {"resolved": 0, "retried": 0, "dead": 0}  # not yet due
        assert redrive_now().body == {"resolved": 0, "retried": 0, "dead": 1}
    assert states(service)[1] == ("DEAD", "NOT_INSERTED", 2)
    detail = rows(service, "SELECT detail FROM failed_event WHERE status = 'DEAD'")
    assert detail == [("MySQL error 1406",)]


def test_a_deadlock_takes_the_whole_batch_back_and_counts_no_attempt(
    service: Settings, campaign_id: str
) -> None:
    fail(*[message(campaign_id, user, n) for n, user in enumerate(["a", "victim", "c"], 1)])
    create_campaign(campaign_id, quantity=3)
    with refusing("victim", "40001", ER.LOCK_DEADLOCK), pytest.raises(UnavailableError):
        redrive_handler({}, None)
    assert coupons(service, campaign_id) == []
    assert {(status, attempts) for status, _, attempts in states(service)} == {("PENDING", 0)}
    assert redrive_handler({}, None) == {"resolved": 3, "retried": 0, "dead": 0}


def test_while_redis_is_unreachable_a_collision_waits_and_everything_else_goes_on(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    fail(message(campaign_id, "owner", 1))
    fail(message(campaign_id, "late", 1), message(f"{campaign_id}-b", "early", 1), first=1)
    create_campaign(f"{campaign_id}-b", quantity=5)
    cut_off_redis(service)
    assert redrive_handler({}, None) == {"resolved": 1, "retried": 1, "dead": 0}
    wiring.reset()
    assert redrive_now().body["resolved"] == 1
    assert coupons(service, campaign_id) == [("owner", 1), ("late", 2)]


def test_several_redrives_at_once_write_every_record_once(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=300)
    fail(message(campaign_id, "owner", 1))
    fail(*[message(campaign_id, f"user-{n}", 1) for n in range(250)], first=1)
    with ThreadPoolExecutor(4) as pool:
        done = [f.result() for f in [pool.submit(redrive_handler, {}, None) for _ in range(4)]]
    assert sum(result["resolved"] for result in done) == 250
    issued = coupons(service, campaign_id)
    assert len({user for user, _ in issued}) == len(issued) == 251
    assert [serial for _, serial in issued] == list(range(1, 252))


def test_the_redrive_stops_before_its_time_is_over(service: Settings, campaign_id: str) -> None:
    fail(message(campaign_id, "early", 1))
    short = LambdaContext("redrive_handler", 5.0)
    assert redrive_handler({}, short) == {"resolved": 0, "retried": 0, "dead": 0}


@pytest.mark.parametrize("status", ["RESOLVED", "LOST"])
def test_only_what_waits_or_was_given_up_can_be_driven_again(
    service: Settings, status: str
) -> None:
    response = redrive_now(status=status)
    assert response.status == 400
    assert response.body["detail"] == "status: must be one of PENDING, DEAD"
