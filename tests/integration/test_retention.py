"""RETENTION_DAYS after a campaign's end all its users are erased, page by page."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import pytest

from handlers import operations, privacy_clients, wiring
from handlers.adapters.mysql import erasures
from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.redis.keys import CampaignKeys
from handlers.consume import consume_handler
from handlers.domain.coupon_event import CouponEvent, EventKind
from handlers.domain.errors import UnavailableError
from handlers.privacy import privacy_handler
from local.lambda_context import LambdaContext
from tests.support.erased import erase, issue, settle_failures
from tests.support.receiver import subscribe
from tests.support.service import (
    apply,
    coupons,
    create_campaign,
    kafka_event,
    message,
    rows,
)
from tests.support.traces import in_exports, in_mysql, in_redis, log_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from handlers.domain.erasure import ErasedPage

DAYS = 30
USERS = [f"person-{number:02}@example.org" for number in range(12)]


@pytest.fixture
def kept(service: Settings) -> Iterator[Settings]:
    """A service that erases after thirty days."""
    chosen = dataclasses.replace(service, retention_days=DAYS)
    with wiring.override(wiring.settings, chosen):
        yield chosen


def end(settings: Settings, campaign_id: str, days_ago: float) -> None:
    """Let a campaign have ended so long ago, in MySQL and in Redis."""
    rows(
        settings,
        "UPDATE campaign SET opens_at = NOW(3) - INTERVAL 9000 HOUR,"
        " closes_at = NOW(3) - INTERVAL %s HOUR WHERE id = %s",
        round(days_ago * 24),
        campaign_id,
    )
    key = CampaignKeys.of(campaign_id).campaign
    wiring.scripts().command("HSET", key, "closes_at_ms", 1)


def sold_out(campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=20)
    for user in USERS:
        issue(campaign_id, user)


def test_everybody_of_a_campaign_is_erased_once_its_time_is_over(
    campaign_id: str, kept: Settings
) -> None:
    sold_out(campaign_id)
    consume_handler(kafka_event([message(campaign_id, "person-failed", 99)], 40), None)
    settle_failures(kept)
    end(kept, campaign_id, DAYS - 1)
    assert privacy_handler({}, None) == {"completed": 0, "erased": 0}
    assert in_mysql(kept, "person-")
    assert in_redis(kept, "person-")
    assert in_exports("person-", campaign_id)
    end(kept, campaign_id, DAYS + 1)
    with log_text() as logged:
        assert privacy_handler({}, None) == {"completed": 0, "erased": len(USERS)}
    assert in_mysql(kept, "person-") == in_redis(kept, "person-") == []
    assert in_exports("person-", campaign_id) == []
    assert "person-" not in logged.getvalue()
    names = [wiring.pseudonyms().of(campaign_id, user) for user in USERS]
    assert coupons(kept, campaign_id) == list(zip(names, range(1, 13), strict=True))
    assert rows(kept, "SELECT actor FROM coupon_event WHERE kind = 'ERASED'") == [("retention",)]
    before = rows(kept, "SELECT * FROM campaign")
    assert privacy_handler({}, None) == {"completed": 0, "erased": 0}
    assert rows(kept, "SELECT * FROM campaign") == before


def test_texts_that_name_the_user_of_their_coupon_are_erased_and_others_stay(
    campaign_id: str, kept: Settings
) -> None:
    subscribe("http://127.0.0.1:1/")  # so there is an outbox
    sold_out(campaign_id)
    quoted = 'person-"13"@example.org'
    serial = issue(campaign_id, quoted)
    for number, user, reason in (
        (1, USERS[0], f"{USERS[0]} asked"),
        (2, USERS[1], "a fraud"),
        (serial, quoted, f"{quoted} asked"),
    ):
        event = CouponEvent(
            EventKind.REVOKED, campaign_id, number, "admin", reason=reason, detail={"of": user}
        )
        wiring.database().run(partial(add_event, event=event))
    end(kept, campaign_id, DAYS + 1)
    # The control: each table has the ids, and the search finds them.
    assert {"coupon_event.detail", "coupon_event.reason", "webhook_delivery.detail"} <= {
        *in_mysql(kept, "person-")
    }
    assert privacy_handler({}, None)["erased"] == len(USERS) + 1
    assert in_mysql(kept, "person-") == []
    texts = "SELECT reason FROM coupon_event WHERE kind = 'REVOKED' ORDER BY serial"
    assert rows(kept, texts) == [("(erased)",), ("a fraud",), ("(erased)",)]
    sent = (
        "SELECT JSON_UNQUOTE(JSON_EXTRACT(detail, '$.reason')) FROM webhook_delivery"
        " WHERE kind = 'coupon.revoked' ORDER BY serial"
    )
    assert rows(kept, sent) == [("(erased)",), ("a fraud",), ("(erased)",)]


def test_without_days_no_user_is_erased(campaign_id: str, service: Settings) -> None:
    sold_out(campaign_id)
    end(service, campaign_id, 300)
    assert privacy_handler({}, None) == {"completed": 0, "erased": 0}
    assert coupons(service, campaign_id)[0] == (USERS[0], 1)


class KilledError(BaseException):
    """The process ends here."""


def killed(*_: object) -> NoReturn:
    raise KilledError


@pytest.mark.parametrize("pages", [0, 1, 2, "all"])
def test_a_run_that_is_killed_after_any_page_goes_on(
    campaign_id: str, kept: Settings, monkeypatch: pytest.MonkeyPatch, pages: int | str
) -> None:
    sold_out(campaign_id)
    end(kept, campaign_id, DAYS + 1)
    monkeypatch.setattr(erasures, "PAGE", 5)
    stored, left = privacy_clients.mysql_erasures(), pages if isinstance(pages, int) else 99
    erase_page = stored.erase_page

    def until_killed(name: str, fence: int | None, after: int) -> ErasedPage:
        nonlocal left
        left -= 1
        return erase_page(name, fence, after) if left >= 0 else killed()

    with monkeypatch.context() as patch:
        patch.setattr(stored, "erase_page", until_killed)
        patch.setattr(privacy_clients.redis_erasures(), "members", killed)
        with pytest.raises(KilledError):
            privacy_handler({}, None)
    assert in_redis(kept, "person-")
    privacy_handler({}, None)
    assert in_mysql(kept, "person-") == in_redis(kept, "person-") == []
    assert rows(kept, "SELECT erased_users FROM campaign") == [(len(USERS),)]
    assert wiring.redis_campaigns().status(campaign_id).campaign.erased_users == len(USERS)


def test_what_is_on_its_way_to_mysql_is_waited_for(campaign_id: str, kept: Settings) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = apply(campaign_id, USERS[0]).body["serial"]
    end(kept, campaign_id, DAYS + 1)
    with log_text() as logged:
        assert privacy_handler({}, None) == {"completed": 0, "erased": 0}
    assert "admissions are on their way to MySQL" in logged.getvalue()
    consume_handler(kafka_event([message(campaign_id, USERS[0], serial)]), None)
    assert privacy_handler({}, None) == {"completed": 0, "erased": 1}
    assert in_mysql(kept, USERS[0]) == in_redis(kept, USERS[0]) == []


def test_a_record_that_waits_lets_its_campaign_wait(campaign_id: str, kept: Settings) -> None:
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, USERS[0], 99)], 41), None)
    end(kept, campaign_id, DAYS + 1)
    with log_text() as logged:
        assert privacy_handler({}, None) == {"completed": 0, "erased": 0}
    assert "(SERIAL_OUT_OF_RANGE)" in logged.getvalue()
    settle_failures(kept)
    assert privacy_handler({}, None) == {"completed": 0, "erased": 0}
    assert in_mysql(kept, USERS[0]) == []


def test_a_run_without_time_erases_nothing_and_leaves_all_to_the_next(
    campaign_id: str, kept: Settings
) -> None:
    sold_out(campaign_id)
    end(kept, campaign_id, DAYS + 1)
    assert privacy_handler({}, LambdaContext("privacy_handler", 0.0))["erased"] == 0
    with pytest.raises(UnavailableError):
        privacy_clients.eraser().erase_all(campaign_id, raising)
    assert privacy_handler({}, None)["erased"] == len(USERS)


def raising() -> None:
    raise UnavailableError


def test_an_archived_campaign_is_erased_in_mysql_alone(campaign_id: str, kept: Settings) -> None:
    sold_out(campaign_id)
    end(kept, campaign_id, DAYS + 1)
    rows(kept, "UPDATE campaign SET archived_at = NOW(3)")
    operations.redis_campaign_changes().forget(campaign_id)
    assert erase(USERS[0]).status == 204
    assert in_mysql(kept, USERS[0]) == []
    assert privacy_handler({}, None) == {"completed": 0, "erased": len(USERS) - 1}
    assert in_mysql(kept, "person-") == in_redis(kept, "person-") == []
