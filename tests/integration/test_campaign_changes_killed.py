"""A process is killed between any two steps of a change, or Redis loses its state there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers import rebuild, wiring
from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges
from handlers.adapters.redis.campaign_changes import PUSH, RedisCampaignChanges
from handlers.adapters.redis.rebuild import REOPEN
from handlers.domain import times
from handlers.rebuild import rebuild_handler
from tests.support.changes import events, in_mysql, in_redis, patch
from tests.support.mutated import change
from tests.support.redis_loss import flush, mark_as_restarted
from tests.support.service import apply, create_campaign, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings
    from handlers.domain.campaign_change import Noted

STEPS: dict[str, tuple[type, str]] = {
    "narrow": (RedisCampaignChanges, "narrow"),
    "make": (MySqlCampaignChanges, "make"),
    "push": (RedisCampaignChanges, "push"),
}
CHANGES: dict[str, dict[str, Any]] = {
    "raise": {"quantity": 9},
    "lower": {"quantity": 3},
    "close": {"closes_at": "now"},
    "extend": {"closes_at": "2040-01-01T00:00:00.000Z"},
    "pause": {"paused": True},
    "both ways": {"quantity": 9, "closes_at": "now", "name": "Changed", "paused": True},
}


class KilledError(BaseException):
    """The process ends here: no handler runs any more."""


def killed(patched: pytest.MonkeyPatch, step: str, *, before: bool) -> None:
    """Let the process be killed before or after the next call of a step."""
    owner, name = STEPS[step]
    real = getattr(owner, name)

    def dies(*args: Any, **options: Any) -> Any:
        patched.setattr(owner, name, real)
        if not before:
            real(*args, **options)
        raise KilledError

    patched.setattr(owner, name, dies)


def happens(patched: pytest.MonkeyPatch, step: str, what: Callable[[], object]) -> None:
    """Let something happen before the next call of a step."""
    owner, name = STEPS[step]
    real = getattr(owner, name)

    def then_the_step(*args: Any, **options: Any) -> Any:
        patched.setattr(owner, name, real)
        what()
        return real(*args, **options)

    patched.setattr(owner, name, then_the_step)


def is_made(campaign_id: str, fields: dict[str, Any]) -> bool:
    now = in_mysql(campaign_id)
    assert in_redis(campaign_id) == now
    assert wiring.redis_campaigns().status(campaign_id).change == ""
    wanted = {name: value for name, value in fields.items() if value != "now"}
    is_all = all(now[name] == value for name, value in wanted.items())
    if fields.get("closes_at") == "now":
        is_all = is_all and times.from_iso(now["closes_at"]) <= time.time() * 1000
    assert is_all == (now["version"] == 2)
    return is_all


@pytest.mark.parametrize("fields", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize(
    ("step", "before", "is_noted"),
    [
        ("narrow", True, False),
        ("narrow", False, True),
        ("make", True, True),
        ("make", False, True),
        ("push", True, True),
        ("push", False, True),
    ],
)
def test_the_scheduler_completes_a_change_whose_process_was_killed(
    service: Settings,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    before: bool,  # noqa: FBT001 - a parameter
    is_noted: bool,  # noqa: FBT001 - a parameter
    fields: dict[str, Any],
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert apply(campaign_id, "a").code == "ACCEPTED"
    killed(monkeypatch, step, before=before)
    with pytest.raises(KilledError):
        patch(campaign_id, fields)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert is_made(campaign_id, fields) is is_noted
    made = [(kind, actor) for kind, actor, _ in events(service, campaign_id)]
    assert made == [("CREATED", "admin")] + [("CHANGED", "boss")] * is_noted
    before_that = in_mysql(campaign_id)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert in_mysql(campaign_id) == in_redis(campaign_id) == before_that


@pytest.mark.parametrize("fields", CHANGES.values(), ids=list(CHANGES))
def test_the_scheduler_and_the_process_itself_make_a_change_once(
    service: Settings,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
) -> None:
    create_campaign(campaign_id, quantity=5)
    happens(monkeypatch, "make", lambda: rebuild_handler({}, None))
    assert patch(campaign_id, fields).status == 200
    assert is_made(campaign_id, fields)
    assert len(events(service, campaign_id)) == 2


@pytest.mark.parametrize("fields", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("step", ["make", "push"])
@pytest.mark.parametrize("loses", ["everything", "its last second"])
def test_a_redis_that_loses_its_state_between_two_steps_has_what_mysql_has(
    lossy: Settings,
    campaign_id: str,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    step: str,
    loses: str,
) -> None:
    monkeypatch.setattr(rebuild, "CREATION_S", 0)
    create_campaign(campaign_id, quantity=5)
    assert apply(campaign_id, "a").code == "ACCEPTED"

    def lose_and_rebuild() -> None:
        flush(lossy) if loses == "everything" else mark_as_restarted(lossy, campaign_id)
        assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}

    happens(monkeypatch, step, lose_and_rebuild)
    response = patch(campaign_id, fields)
    # The fence was raised since then, so the change is not made; or the rebuild has read it.
    assert response.status == (503 if step == "make" else 200)
    rebuild_handler({}, None)
    assert is_made(campaign_id, fields) is (step == "push")
    assert apply(campaign_id, "a").code == "ALREADY_APPLIED"


def test_a_change_that_mysql_makes_after_a_rebuild_has_read_the_row_is_never_half_there(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis is open when the change is noted, and lost before MySQL makes it."""
    monkeypatch.setattr(rebuild, "CREATION_S", 0)
    create_campaign(campaign_id, quantity=5)
    happens(monkeypatch, "make", lambda: flush(lossy))
    assert patch(campaign_id, {"quantity": 3}).status == 503  # made, and Redis has nothing
    assert in_mysql(campaign_id)["quantity"] == 3
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert is_made(campaign_id, {"quantity": 3})


def test_control_without_the_fence_a_rebuild_gives_more_than_the_row_allows(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "CREATION_S", 0)
    create_campaign(campaign_id, quantity=2)
    real = MySqlCampaignChanges.make

    def of_any_history(changes: Any, name: str, change: Any, noted: Noted) -> Any:
        row = wiring.mysql_queries().campaign(campaign_id)
        assert row
        assert row.fence != noted.fence
        return real(changes, name, change, noted._replace(fence=row.fence))

    monkeypatch.setattr(MySqlCampaignChanges, "make", of_any_history)

    happens(monkeypatch, "make", lambda: rebuilt(lossy, campaign_id))
    killed(monkeypatch, "push", before=True)
    with pytest.raises(KilledError):
        patch(campaign_id, {"quantity": 1})
    assert [apply(campaign_id, user).code for user in "ab"] == ["ACCEPTED"] * 2
    assert rows(lossy, "SELECT quantity FROM campaign") == [(1,)]


def test_control_with_mysql_first_a_lowered_quantity_loses_an_accepted_applicant(
    service: Settings, campaign_id: str
) -> None:
    """What the order prevents: Redis gives a serial above the new quantity in between."""
    create_campaign(campaign_id, quantity=5)
    rows(service, "UPDATE campaign SET quantity = 1 WHERE id = %s", campaign_id)
    accepted = [apply(campaign_id, user) for user in "ab"]
    assert [one.code for one in accepted] == ["ACCEPTED", "ACCEPTED"]
    assert accepted[1].body["serial"] > in_mysql(campaign_id)["quantity"]


def test_a_noted_change_is_gone_after_a_rebuild(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    killed(monkeypatch, "narrow", before=False)
    with pytest.raises(KilledError):
        patch(campaign_id, {"quantity": 3})
    mark_as_restarted(lossy, campaign_id)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert not is_made(campaign_id, {"quantity": 3})


def test_control_a_rebuild_that_leaves_the_note_lets_a_change_happen_that_failed(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, REOPEN, "redis.call('HDEL', KEYS[1], 'change', 'widening_until_ms')")
    create_campaign(campaign_id, quantity=5)
    happens(monkeypatch, "make", lambda: rebuilt(lossy, campaign_id))
    assert patch(campaign_id, {"quantity": 3}).status == 503
    rebuild_handler({}, None)
    assert in_mysql(campaign_id)["quantity"] == 3


def rebuilt(settings: Settings, campaign_id: str) -> None:
    mark_as_restarted(settings, campaign_id)
    rebuild_handler({}, None)


def test_control_a_push_that_does_not_compare_versions_brings_an_old_row_back(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, PUSH, "if version > its_version then", "if false then")
    create_campaign(campaign_id, quantity=5)
    old = wiring.mysql_queries().campaign(campaign_id)
    assert old
    patch(campaign_id, {"paused": True})
    RedisCampaignChanges(wiring.scripts()).push(old)
    assert in_redis(campaign_id)["paused"] is False
    assert in_mysql(campaign_id)["paused"] is True


def test_a_push_of_an_old_row_changes_nothing(service: Settings, campaign_id: str) -> None:
    assert service
    create_campaign(campaign_id, quantity=5)
    old = wiring.mysql_queries().campaign(campaign_id)
    assert old
    patch(campaign_id, {"paused": True})
    RedisCampaignChanges(wiring.scripts()).push(old)
    assert in_redis(campaign_id)["paused"] is True
