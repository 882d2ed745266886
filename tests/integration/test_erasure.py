"""A user who is erased: no store has the id afterwards, and the coupon stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.redis import admissions
from handlers.domain.admission import Outcome
from local.erase import main as erase_program
from tests.support.mutated import change
from tests.support.receiver import receiver, send, subscribe
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    coupons,
    create_campaign,
    rows,
)
from tests.support.single import admit_one
from tests.support.traces import in_exports, in_mysql, in_redis, log_text

if TYPE_CHECKING:
    from handlers.config import Settings

from tests.support.erased import erase, issue, leave_traces, person, settle_failures

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def user() -> str:
    return person()


@pytest.fixture
def other_id(campaign_id: str) -> str:
    return f"{campaign_id}-other"


def test_afterwards_no_store_has_the_id_and_before_each_has_it(
    campaign_id: str, other_id: str, user: str, service: Settings
) -> None:
    subscribe("http://127.0.0.1:1/")  # so there is an outbox
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
            "webhook_delivery.detail",
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


def test_a_repeated_erasure_changes_nothing(
    campaign_id: str, other_id: str, user: str, service: Settings
) -> None:
    leave_traces(campaign_id, other_id, user)
    settle_failures(service)
    assert erase(user).status == 204
    tables = ("campaign", "coupon", "coupon_event", "failed_event", "webhook_delivery")
    before = [rows(service, f"SELECT * FROM {table}") for table in tables]
    assert erase(user).status == 204
    assert [rows(service, f"SELECT * FROM {table}") for table in tables] == before


def test_what_webhooks_are_sent_after_an_erasure_names_the_pseudonym(
    campaign_id: str, other_id: str, user: str, service: Settings
) -> None:
    with receiver() as shop:
        subscribe(shop.url)
        leave_traces(campaign_id, other_id, user)
        settle_failures(service)
        assert erase(user).status == 204
        assert send()["delivered"]
    [issued] = [one.body for one in shop.received if one.id == f"coupon_issued:{campaign_id}:1"]
    assert wiring.pseudonyms().of(campaign_id, user) in issued
    [changed] = [one.body for one in shop.received if one.id.startswith("coupon_released:")]
    assert '"reason":"(erased)"' in changed
    assert not [one.id for one in shop.received if user in one.body]


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
