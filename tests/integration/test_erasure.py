"""A user who is erased: no store has the id afterwards, and the coupon stays."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from handlers import privacy_clients, wiring
from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.redis import admissions
from handlers.adapters.redis.admissions import OLDEST
from handlers.adapters.redis.keys import CampaignKeys
from handlers.consume import consume_handler
from handlers.domain.admission import Outcome
from handlers.domain.coupon_event import CouponEvent, EventKind
from handlers.domain.record import FailedStatus
from handlers.domain.settlement import SettledAs, Settlement
from handlers.erasure import erase_user
from handlers.rebuild import rebuild_handler
from local.erase import main as erase_program
from tests.support.mutated import change
from tests.support.redis_loss import flush, mark_as_restarted, warm_up
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
from tests.support.single import admit_one
from tests.support.traces import in_exports, in_mysql, in_redis, log_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings
    from tests.support.service import Response

pytestmark = pytest.mark.usefixtures("service")

PRIVACY = "coupon:privacy"


@pytest.fixture
def user() -> str:
    """An id that no part of another value has."""
    return f"person-{uuid.uuid4().hex}@example.org"


@pytest.fixture
def other_id(campaign_id: str) -> str:
    return f"{campaign_id}-other"


def erase(user: str, scope: str = PRIVACY) -> Response:
    return ask("DELETE /users/{user_id}", path={"user_id": user}, user="officer", scope=scope)


def issue(campaign_id: str, user: str) -> int:
    """Let a user get a coupon, and the consumer write it; return the serial."""
    serial: int = apply(campaign_id, user).body["serial"]
    consume_handler(kafka_event([message(campaign_id, user, serial)]), None)
    return serial


def leave_traces(campaign_id: str, other_id: str, user: str) -> None:
    """Let a user be in each store in each way: issued, sent again, pending, failed, counted."""
    for one in (campaign_id, other_id):
        create_campaign(one, quantity=5)
    serial = issue(campaign_id, user)
    apply(campaign_id, user)  # is counted
    apply(other_id, user)  # stays pending, and the relay has sent it
    wiring.admissions().overdue(other_id, 0, OLDEST, 10)
    dead = message(campaign_id, user, 4)
    consume_handler(kafka_event([dead, b'{"v":9,"user_id":"%s"}' % user.encode()], 50), None)
    taken = message(other_id, "somebody", 5)
    consume_handler(kafka_event([taken], 60), None)
    event = CouponEvent(
        EventKind.RELEASED, campaign_id, serial, user, reason=f"{user} asked", detail={"by": user}
    )
    wiring.database().run(lambda cursor: add_event(cursor, event))
    wiring.failed_event_queue().redrive(FailedStatus.PENDING, now=True, after=0, limit=10)


def settle_failures(settings: Settings) -> None:
    """Let the redrive give up what it cannot write."""
    rows(settings, "UPDATE failed_event SET status = 'DEAD' WHERE status = 'PENDING'")


def test_afterwards_no_store_has_the_id_and_before_each_has_it(
    campaign_id: str, other_id: str, user: str, service: Settings
) -> None:
    with log_text() as logged:
        leave_traces(campaign_id, other_id, user)
        settle_failures(service)
        # The control: each store has the id, and the search finds it.
        assert in_mysql(service, user) == [
            "coupon.user_id",
            "coupon_event.actor",
            "coupon_event.detail",
            "coupon_event.reason",
            "failed_event.payload",
            "failed_event.user_id",
        ]
        assert in_redis(service, user) == [
            "applied_user",
            "applied_user",
            "pending",
            "rate",
            "resent",
        ]
        assert in_exports(user, campaign_id, other_id) == [
            "application/json",
            "failed-events",
            "text/csv",
        ]
        reply = erase(user)
    assert (reply.status, reply.body) == (204, "")
    assert in_mysql(service, user) == []
    assert in_redis(service, user) == []
    assert in_exports(user, campaign_id, other_id) == []
    assert "apply_handler" in logged.getvalue()
    assert "erase_user_handler" in logged.getvalue()
    assert user not in logged.getvalue()


def test_the_coupons_stay_with_their_codes_and_belong_to_a_pseudonym(
    campaign_id: str, other_id: str, user: str, service: Settings
) -> None:
    leave_traces(campaign_id, other_id, user)
    settle_failures(service)
    codes = rows(service, "SELECT code FROM coupon ORDER BY campaign_id, serial")
    names = {one: wiring.pseudonyms().of(one, user) for one in (campaign_id, other_id)}
    assert names[campaign_id] != names[other_id]
    assert erase(user).status == 204
    assert coupons(service, campaign_id) == [(names[campaign_id], 1)]
    assert (names[other_id], 1) in coupons(service, other_id)  # it was pending
    kept = rows(service, "SELECT code FROM coupon ORDER BY campaign_id, serial")
    assert {*codes} <= {*kept}
    erased = rows(
        service,
        "SELECT campaign_id, serial, actor FROM coupon_event WHERE kind = 'ERASED' ORDER BY id",
    )
    assert erased == [(campaign_id, 1, "officer"), (other_id, 1, "officer")]
    assert rows(service, "SELECT SUM(erased_users) FROM campaign") == [(2,)]


def test_who_was_erased_gets_no_second_coupon_and_reads_as_one_who_has_none(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    assert erase(user).status == 204
    again = apply(campaign_id, user)
    assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", serial)
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user=user).status == 404
    assert apply(campaign_id, "next").body["serial"] == serial + 1
    assert in_mysql(service, user) == in_redis(service, user) == []
    assert wiring.screener().with_erased_users == {campaign_id}


def test_control_a_script_that_asks_for_no_pseudonym_gives_a_second_coupon(
    campaign_id: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    assert erase(user).status == 204
    change(monkeypatch, admissions.ADMIT, "if not applied and has_erased then", "if false then")
    again = apply(campaign_id, user)
    assert (again.code, again.body["serial"]) == ("ACCEPTED", serial + 1)


def test_a_campaign_without_erased_users_asks_for_no_pseudonym(
    campaign_id: str, other_id: str, user: str
) -> None:
    for one in (campaign_id, other_id):
        create_campaign(one, quantity=5)
    issue(campaign_id, user)
    assert erase(user).status == 204
    assert admit_one(wiring.admissions(), other_id, user).outcome is Outcome.ACCEPTED
    assert admit_one(wiring.admissions(), campaign_id, user).outcome is Outcome.PSEUDONYM


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


@pytest.mark.parametrize("lose", [flush, None], ids=["all lost", "restarted"])
def test_a_rebuild_does_not_bring_the_id_back(
    campaign_id: str,
    user: str,
    service: Settings,
    lose: Callable[[Settings], None] | None,
) -> None:
    """The topic has a record of the user that the consumer has not read."""
    warm_up()
    create_campaign(campaign_id, quantity=5)
    serial = apply(campaign_id, user).body["serial"]
    apply(campaign_id, "other")
    assert event_of_unread(user)["records"]
    key = CampaignKeys.of(campaign_id).resent
    assert erase(user).status == 204
    wiring.scripts().command("ZADD", key, 1, user)  # an older copy of Redis has it
    if lose:
        lose(service)
        rows(service, "UPDATE campaign SET created_at = '2020-01-01'")
    else:
        mark_as_restarted(service, campaign_id)
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert in_redis(service, user) == []
    again = apply(campaign_id, user)
    assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", serial)
    consume_handler(event_of_unread(user), None)
    assert in_mysql(service, user) == in_redis(service, user) == []


def test_while_a_campaign_is_rebuilt_the_erasure_is_refused_and_changes_nothing(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    fence = wiring.fences().raise_fence(campaign_id)
    reply = erase(user)  # Redis is of the fence before
    assert (reply.status, reply.code) == (503, "UNAVAILABLE")
    assert wiring.redis_rebuild().begin(campaign_id, fence)
    assert erase(user).status == 503
    assert coupons(service, campaign_id) == [(user, serial)]
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert erase(user).status == 204
    assert in_mysql(service, user) == in_redis(service, user) == []


@pytest.mark.parametrize("repeated", [True, False], ids=["called again", "by the scheduler"])
def test_an_erasure_that_was_killed_before_redis_is_completed(
    campaign_id: str, user: str, service: Settings, *, repeated: bool
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    erasures = privacy_clients.mysql_erasures()
    erasures.erase(campaign_id, user, 1, "officer", is_held=True)
    assert in_redis(service, user) == ["applied_user"]
    assert apply(campaign_id, user).body["serial"] == serial
    if repeated:
        assert erase(user).status == 204
    else:
        rebuild_handler({}, None)
        wiring.scripts().command("UNLINK", CampaignKeys.of(campaign_id).rate)  # expires
    assert in_redis(service, user) == []
    assert apply(campaign_id, user).body["serial"] == serial
    assert wiring.redis_campaigns().status(campaign_id).campaign.erased_users == 1


def test_the_second_of_two_erasures_does_not_hide_that_the_first_was_killed(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    for one in (user, "second"):
        issue(campaign_id, one)
    privacy_clients.mysql_erasures().erase(campaign_id, user, 1, "officer", is_held=True)
    assert erase("second").status == 204
    rebuild_handler({}, None)
    wiring.scripts().command("UNLINK", CampaignKeys.of(campaign_id).rate)  # expires
    assert in_redis(service, user) == []
    assert wiring.redis_campaigns().status(campaign_id).campaign.erased_users == 2


def test_a_repeated_erasure_changes_nothing(
    campaign_id: str, other_id: str, user: str, service: Settings
) -> None:
    leave_traces(campaign_id, other_id, user)
    settle_failures(service)
    assert erase(user).status == 204
    tables = ("campaign", "coupon", "coupon_event", "failed_event")
    before = [rows(service, f"SELECT * FROM {table}") for table in tables]
    assert erase(user).status == 204
    assert [rows(service, f"SELECT * FROM {table}") for table in tables] == before


def test_who_applies_in_between_is_erased_with_the_new_admission(
    campaign_id: str, user: str, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at Redis and the step there."""
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, user, 6)], 95), None)
    settle_failures(service)
    redis = privacy_clients.redis_erasures()
    find, seen = redis.find, []

    def then_apply(one: str, name: str) -> object:
        found = find(one, name)
        if not seen:
            seen.append(apply(one, name).body["serial"])
        return found

    monkeypatch.setattr(redis, "find", then_apply)
    assert erase_user(user, "officer").campaigns == 1
    assert coupons(service, campaign_id) == [(wiring.pseudonyms().of(campaign_id, user), seen[0])]
    consume_handler(kafka_event([message(campaign_id, user, seen[0])], 96), None)
    assert in_mysql(service, user) == in_redis(service, user) == []
    assert apply(campaign_id, user).body["serial"] == seen[0]


def test_only_the_scopes_of_privacy_and_of_administrators_may_erase(user: str) -> None:
    assert erase(user, "coupon:redeem").status == 403
    assert erase(user, ADMIN).status == 204
    assert erase("not an id").status == 400


def test_the_program_erases_too(
    campaign_id: str, user: str, service: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id, quantity=5)
    issue(campaign_id, user)
    assert erase_program(["--user", user, "--actor", "dpo"]) == 0
    assert user not in "".join(capsys.readouterr())
    assert in_mysql(service, user) == in_redis(service, user) == []
    assert rows(service, "SELECT actor FROM coupon_event WHERE kind = 'ERASED'") == [("dpo",)]
