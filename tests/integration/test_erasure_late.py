"""What comes late, after its user was erased, puts no id back; what waits is written first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql
import pytest
from pymysql.constants import ER

from handlers import wiring
from handlers.adapters.mysql.erased_records import BATCH_HEADER_BYTES
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.redis import settling
from handlers.consume import consume_handler
from handlers.domain.fence import Position
from handlers.domain.record import UnreadableBatch
from handlers.domain.settlement import SettledAs, Settlement
from tests.support.mutated import change
from tests.support.service import (
    apply,
    coupons,
    create_campaign,
    failures,
    kafka_event,
    message,
    rows,
)
from tests.support.traces import in_mysql, in_redis

if TYPE_CHECKING:
    from handlers.config import Settings

from tests.support.erased import erase, issue, person, settle_failures

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def user() -> str:
    return person()


@pytest.fixture
def other_id(campaign_id: str) -> str:
    return f"{campaign_id}-other"


def test_a_record_that_comes_again_changes_nothing_and_puts_no_id_back(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    wrong = message(campaign_id, user, 99)
    consume_handler(kafka_event([wrong], 70), None)
    settle_failures(service)
    assert erase(user).status == 204
    before = rows(service, "SELECT * FROM coupon"), rows(service, "SELECT * FROM failed_event")
    again = [message(campaign_id, user, serial), message(campaign_id, user, serial + 1)]
    consume_handler(kafka_event(again), None)
    consume_handler(kafka_event([wrong], 70), None)
    assert rows(service, "SELECT * FROM coupon") == before[0]
    assert rows(service, "SELECT * FROM failed_event") == before[1]
    assert in_redis(service, user) == []


def test_an_admission_whose_row_mysql_refuses_waits_until_its_record_is_set_aside(
    campaign_id: str, user: str, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = apply(campaign_id, user).body["serial"]  # pending, its record is in the topic

    def refuse(_: Ledger, __: object, accepted: list[object], **___: object) -> dict[str, str]:
        if accepted:
            raise pymysql.DataError(ER.DATA_TOO_LONG, "refused")
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "insert", refuse)
        assert erase(user).code == "UNAVAILABLE"
        consume_handler(kafka_event([message(campaign_id, user, serial)]), None)
        assert erase(user).code == "ERASURE_WAITS"
    assert erase(user).status == 204
    assert in_mysql(service, user) == in_redis(service, user) == []


def test_a_settlement_that_comes_late_puts_no_id_back(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    late = Settlement(campaign_id, user, issue(campaign_id, user), SettledAs.COUPON)
    others = Settlement(campaign_id, "drifted", 3, SettledAs.COUPON)
    assert erase(user).status == 204
    wiring.admissions().settle([late, others])
    assert in_redis(service, user) == []
    assert in_redis(service, "drifted") == ["applied_user"]


def test_a_record_that_failed_is_known_again_after_its_user_was_erased(
    campaign_id: str, user: str, service: Settings
) -> None:
    """It names a user without a coupon, so only its digest says that it was stored."""
    create_campaign(campaign_id, quantity=5)
    beyond = message(campaign_id, user, 6)
    consume_handler(kafka_event([beyond], 80), None)
    settle_failures(service)
    assert erase(user).status == 204
    before = rows(service, "SELECT * FROM failed_event")
    consume_handler(kafka_event([beyond], 80), None)
    assert rows(service, "SELECT * FROM failed_event") == before
    assert in_mysql(service, user) == []
    assert list(failures(service, campaign_id)) == [wiring.pseudonyms().of(campaign_id, user)]


def test_a_record_that_waits_is_written_first_or_named(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, user, 6)], 90), None)
    reply = erase(user)
    [(number,)] = rows(service, "SELECT id FROM failed_event")
    assert (reply.status, reply.code) == (409, "ERASURE_WAITS")
    assert f"{number} (SERIAL_OUT_OF_RANGE)" in reply.body["detail"]
    assert user not in str(reply.body)
    rows(service, "UPDATE campaign SET quantity = 6 WHERE id = %s", campaign_id)
    assert erase(user).status == 204
    assert coupons(service, campaign_id) == [(wiring.pseudonyms().of(campaign_id, user), 6)]
    assert in_mysql(service, user) == in_redis(service, user) == []


def test_control_a_settlement_that_asks_for_no_pseudonym_puts_the_id_back(
    campaign_id: str, user: str, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    late = Settlement(campaign_id, user, issue(campaign_id, user), SettledAs.COUPON)
    assert erase(user).status == 204
    change(monkeypatch, settling.SETTLE, "\n      and not is_erased")
    wiring.admissions().settle([late])
    assert in_redis(service, user) == ["applied_user"]


def test_of_a_batch_that_cannot_be_read_only_the_header_is_kept_once_it_is_resolved(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    header, batches = b"h" * BATCH_HEADER_BYTES, wiring.unreadable_batches()
    data = header + b'{"user_id":"%s"}' % user.encode()
    batch = UnreadableBatch("coupon_create", 0, 700, 710, data, "CRC")
    assert not batches.keep(batch)
    assert erase(user).code == "ERASURE_WAITS"
    assert batches.skip(Position("coupon_create", 0, 700))
    assert erase(user).status == 204
    assert rows(service, "SELECT payload FROM failed_event") == [(header,)]
    assert batches.keep(batch)  # a reader still passes it, and stores it no second time
    assert in_mysql(service, user) == []
