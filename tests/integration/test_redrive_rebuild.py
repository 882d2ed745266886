"""A redrive meets a rebuild: an accepted user whose serial was taken gets a coupon in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.mysql import failed_events
from handlers.adapters.mysql.ledger import Ledger, Refusal
from handlers.consume import consume_handler
from handlers.rebuild import rebuild_handler
from handlers.redrive import redrive_handler
from tests.support.redis_loss import flush
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    coupons,
    create_campaign,
    event_of_unread,
    failures,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.config import Settings
    from handlers.domain.record import DecodedRecord

NOTHING_DONE = {"resolved": 0, "retried": 0, "dead": 0}


def give_up_while_a_rebuild_begins(settings: Settings, campaign_id: str) -> list[tuple[Any, ...]]:
    """Give up a user whose new serial Redis gave before a rebuild; return what is stored.

    The rebuild has raised the fence in MySQL, and has not yet closed the campaign in Redis.
    """
    create_campaign(campaign_id, quantity=5)
    both = [message(campaign_id, user, 1, fence=1) for user in ("owner", "late")]
    for offset, record in enumerate(both):
        consume_handler(kafka_event([record], offset), None)
    wiring.fences().raise_fence(campaign_id)
    assert redrive_handler({}, None) == NOTHING_DONE | {"dead": 1}
    return rows(settings, "SELECT status, reason, detail FROM failed_event")


@pytest.fixture
def one_attempt(lossy: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REDRIVE_MAX_ATTEMPTS", "1")
    wiring.reset()
    return lossy


def test_a_new_serial_that_a_rebuild_supersedes_leaves_the_reason_and_the_rebuild_requeues_it(
    one_attempt: Settings, campaign_id: str
) -> None:
    stored = give_up_while_a_rebuild_begins(one_attempt, campaign_id)
    detail = "serial 1 belongs to another user; serial 2 is of fence 1"
    assert stored == [("DEAD", "SERIAL_TAKEN", detail)]
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert redrive_handler({}, None) == NOTHING_DONE | {"resolved": 1}
    assert coupons(one_attempt, campaign_id) == [("owner", 1), ("late", 2)]


def test_what_no_rebuild_has_requeued_is_written_by_the_operators_command(
    one_attempt: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_while_a_rebuild_begins(one_attempt, campaign_id)
    # As after a rebuild that was killed once the campaign was open.
    requeues_nothing = failed_events.REQUEUE_DEAD.replace("'DEAD'", "'NONE'")
    monkeypatch.setattr(failed_events, "REQUEUE_DEAD", requeues_nothing)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert redrive_handler({}, None) == NOTHING_DONE
    command = "POST /failed-events/redrive"
    given_up = ask(command, user="operator", scope=ADMIN, query={"status": "DEAD"})
    assert given_up.body == NOTHING_DONE | {"resolved": 1}
    assert coupons(one_attempt, campaign_id) == [("owner", 1), ("late", 2)]


def redrive_through_a_former_primary(campaign_id: str, settings: Settings) -> None:
    """Redrive a collision with the new serial of a Redis that a rebuild has left behind.

    Another user was accepted with that serial meanwhile; the consumer then reads that record.
    """
    create_campaign(campaign_id, quantity=5)
    owner, late = (message(campaign_id, user, 1, fence=1) for user in ("owner", "late"))
    for offset, record in enumerate((owner, late)):
        consume_handler(kafka_event([record], offset), None)
    of_former = wiring.admissions().reassign(late)
    assert of_former == late._replace(serial=2)
    flush(settings)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "quick").body["serial"] == 2
    with pytest.MonkeyPatch.context() as former:
        former.setattr(wiring.failed_event_queue(), "_reassign", lambda _: of_former)
        redrive_handler({}, None)
    consume_handler(event_of_unread("quick"), None)


def test_a_new_serial_of_a_former_primary_is_not_written(lossy: Settings, campaign_id: str) -> None:
    redrive_through_a_former_primary(campaign_id, lossy)
    assert coupons(lossy, campaign_id) == [("owner", 1), ("quick", 2)]
    given = ask("POST /failed-events/redrive", user="operator", scope=ADMIN)
    assert given.body == NOTHING_DONE | {"resolved": 1}
    assert coupons(lossy, campaign_id) == [("owner", 1), ("quick", 2), ("late", 3)]


def test_control_a_new_serial_taken_for_one_of_kafka_costs_an_accepted_user_theirs(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_one = Ledger.insert_one

    def of_kafka(
        self: Ledger, cursor: Cursor, accepted: DecodedRecord, *, direct: bool = False
    ) -> Refusal | None:
        assert direct is (accepted.coupon.serial == 2)
        return insert_one(self, cursor, accepted)

    monkeypatch.setattr(Ledger, "insert_one", of_kafka)
    redrive_through_a_former_primary(campaign_id, lossy)
    assert coupons(lossy, campaign_id) == [("owner", 1), ("late", 2)]
    assert failures(lossy, campaign_id)["quick"] == "SERIAL_TAKEN"
