"""Changes of campaigns: what is kept over a rebuild, by hand, and in every process's memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers import operations, wiring
from handlers.adapters.redis import campaign_changes
from handlers.adapters.redis.campaign_changes import RedisCampaignChanges
from handlers.domain import times
from handlers.domain.campaign_change import CampaignChange
from handlers.domain.errors import UnavailableError
from handlers.domain.rejection_cache import EXPIRED_S, RejectionCache
from handlers.rebuild import rebuild_handler
from tests.support.changes import events, in_mysql, in_redis, patch
from tests.support.clock import ManualClock
from tests.support.redis_loss import flush, mark_as_restarted
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    campaign_body,
    create_campaign,
    rows,
)
from tests.support.single import admit_one

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

HOUR_MS = 3_600_000


def in_an_hour() -> str:
    return times.to_iso(int(time.time() * 1000) + HOUR_MS)


def codes(campaign_id: str, users: str) -> list[str]:
    return [apply(campaign_id, user).code for user in users]


def create(body: dict[str, Any]) -> Response:
    return ask("POST /campaigns", user="boss", scope=ADMIN, body=body)


@pytest.mark.parametrize("loses", [flush, mark_as_restarted])
def test_a_rebuild_brings_a_changed_campaign_back_as_it_was_changed(
    service: Settings, campaign_id: str, loses: Any
) -> None:
    create_campaign(campaign_id, quantity=5)
    patch(campaign_id, {"quantity": 3, "name": "Changed", "paused": True})
    changed = in_redis(campaign_id)
    loses(service, *([campaign_id] if loses is mark_as_restarted else []))
    rows(service, "UPDATE campaign SET created_at = created_at - INTERVAL 31 SECOND")
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert in_redis(campaign_id) == changed
    assert patch(campaign_id, {"paused": False}, '"2"').status == 200


def test_the_same_body_is_a_conflict_once_the_campaign_has_changed(
    service: Settings, campaign_id: str
) -> None:
    assert service
    body = campaign_body(campaign_id, 5)
    assert create(body).status == 201
    patch(campaign_id, {"paused": True})
    assert create(body).status == 200
    patch(campaign_id, {"quantity": 6})
    assert create(body).status == 409
    assert create(body | {"quantity": 6}).status == 200
    assert in_redis(campaign_id)["paused"] is True


def test_a_campaign_that_was_changed_by_hand_is_never_a_false_200(
    service: Settings, campaign_id: str
) -> None:
    body = campaign_body(campaign_id, 1)
    assert create(body).status == 201
    assert codes(campaign_id, "ab") == ["ACCEPTED", "SOLD_OUT"]
    rows(service, "UPDATE campaign SET quantity = 2 WHERE id = %s", campaign_id)
    assert create(body).code == "CAMPAIGN_EXISTS"
    assert create(body | {"quantity": 2}).status == 200
    assert codes(campaign_id, "b") == ["ACCEPTED"]


def test_the_scheduler_lets_redis_have_what_was_changed_by_hand(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=1)
    rows(service, "UPDATE campaign SET quantity = 2, paused = 1 WHERE id = %s", campaign_id)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert in_redis(campaign_id)["quantity"] == 2


def widened(campaign_id: str, fields: dict[str, Any], clock: Any = time.monotonic) -> bool:
    """Tell whether a new winner is rejected by another process, which had its cache full before."""
    elsewhere = RejectionCache(wiring.admissions(), clock)
    elsewhere.refresh(campaign_id, admit_one(wiring.admissions(), campaign_id, "late").outcome)
    assert elsewhere.peek(campaign_id, "late")
    assert patch(campaign_id, fields).status == 200
    assert admit_one(wiring.admissions(), campaign_id, "late").outcome == "ACCEPTED"
    return elsewhere.peek(campaign_id, "late") is not None


@pytest.mark.parametrize("by", ["quantity", "closes_at"])
def test_after_a_campaign_admits_again_no_process_rejects_a_new_winner(
    service: Settings, campaign_id: str, by: str
) -> None:
    assert service
    create_campaign(campaign_id, quantity=1)
    codes(campaign_id, "a")
    if by == "closes_at":
        patch(campaign_id, {"quantity": 5, "closes_at": "now"})
    assert not widened(campaign_id, {by: 2 if by == "quantity" else in_an_hour()})


def test_control_without_the_wait_another_process_rejects_a_new_winner(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    monkeypatch.setattr(campaign_changes, "EXPIRED_MS", 0)
    create_campaign(campaign_id, quantity=1)
    codes(campaign_id, "a")
    assert widened(campaign_id, {"quantity": 2}, ManualClock())


def test_while_a_campaign_is_about_to_admit_again_no_process_remembers_a_rejection(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    create_campaign(campaign_id, quantity=1)
    codes(campaign_id, "a")
    assert wiring.admissions().rejection(campaign_id, 10)
    remembered: list[object] = []
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        remembered.append(wiring.admissions().rejection(campaign_id, 10))
        time.sleep(seconds)

    monkeypatch.setattr(campaign_changes, "time", type("Time", (), {"sleep": staticmethod(sleep)}))
    assert patch(campaign_id, {"quantity": 2}).status == 200
    assert remembered == [None] * len(remembered) != []
    assert 0 < sum(waits) < EXPIRED_S * 2
    codes(campaign_id, "b")
    assert wiring.admissions().rejection(campaign_id, 10), "the announcement is over"


def test_a_change_is_completed_before_another_one(service: Settings, campaign_id: str) -> None:
    """The first one's process was killed, and the second one has read the version before."""
    create_campaign(campaign_id, quantity=5)
    noted = CampaignChange("x" * 32, "killed", 1, quantity=3)
    operations.redis_campaign_changes().narrow(campaign_id, noted)
    assert patch(campaign_id, {"name": "Second"}).code == "PRECONDITION_FAILED"
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert in_redis(campaign_id)["quantity"] == 3
    assert [actor for _, actor, _ in events(service, campaign_id)] == ["admin", "killed"]
    assert patch(campaign_id, {"name": "Second"}).status == 200


def test_the_same_change_again_is_no_success_before_redis_has_it(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    with monkeypatch.context() as patched:
        patched.setattr(RedisCampaignChanges, "push", unavailable)
        assert patch(campaign_id, {"quantity": 6}).status == 503
        assert in_mysql(campaign_id)["quantity"] == 6
        assert patch(campaign_id, {"quantity": 6}).status == 503
    again = patch(campaign_id, {"quantity": 6})
    assert (again.status, again.headers["ETag"]) == (200, '"2"')
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert len(events(service, campaign_id)) == 2


def unavailable(*_: object, **__: object) -> None:
    raise UnavailableError
