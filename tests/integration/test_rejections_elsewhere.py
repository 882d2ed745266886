"""Serials that are given back, and rejections that other processes have in their caches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from handlers import operations, rebuild, wiring
from handlers.adapters.redis import reconciliation
from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain import returned_places
from handlers.domain.rejection_cache import EXPIRED_S, RejectionCache
from handlers.rebuild import rebuild_handler
from tests.support.clock import ManualClock
from tests.support.drift import Redis
from tests.support.redis_loss import flush
from tests.support.service import apply, create_campaign
from tests.support.shop import give_back, win
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings

pytestmark = pytest.mark.single_redis


def rejected_elsewhere(
    campaign_id: str, give_back: Callable[[], object], clock: Callable[[], float] = time.monotonic
) -> bool:
    """Tell whether a new winner is rejected by another process, which had its cache full before."""
    elsewhere = RejectionCache(wiring.admissions(), clock)
    elsewhere.refresh(campaign_id, admit_one(wiring.admissions(), campaign_id, "late").outcome)
    assert elsewhere.peek(campaign_id, "late")
    give_back()
    assert admit_one(wiring.admissions(), campaign_id, "late").outcome == "ACCEPTED"
    return elsewhere.peek(campaign_id, "late") is not None


def sell_out(settings: Settings, campaign_id: str) -> None:
    """Leave nothing but a serial that Redis alone knows, whose user got no response."""
    create_campaign(campaign_id, quantity=1)
    admit_one(wiring.admissions(), campaign_id, "killed")
    assert settings


def repair(settings: Settings, campaign_id: str) -> None:
    for key in ("applied_user", "pending"):
        Redis(settings, campaign_id)("ZREM", key, "killed")
    assert operations.admission_reader().give_back(campaign_id, [1]) == 1


def lose_and_rebuild(settings: Settings) -> None:
    flush(settings)
    rebuild_handler({}, None)


def test_after_a_rebuild_no_process_rejects_a_new_winner(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "EXPIRED_S", EXPIRED_S)
    sell_out(lossy, campaign_id)
    assert not rejected_elsewhere(campaign_id, lambda: lose_and_rebuild(lossy))
    assert apply(campaign_id, "late").code == "ALREADY_APPLIED"


def test_after_a_repair_no_process_rejects_a_new_winner(lossy: Settings, campaign_id: str) -> None:
    sell_out(lossy, campaign_id)
    assert not rejected_elsewhere(campaign_id, lambda: repair(lossy, campaign_id))


def test_after_a_coupon_was_given_back_no_process_rejects_a_new_winner(
    lossy: Settings, campaign_id: str
) -> None:
    assert lossy
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "giver")
    assert not rejected_elsewhere(campaign_id, lambda: give_back(campaign_id, "giver"))


def test_control_without_the_wait_another_process_rejects_who_got_a_returned_place(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lossy
    monkeypatch.setattr(returned_places, "EXPIRED_S", 0.0)
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "giver")
    clock = ManualClock()
    assert rejected_elsewhere(campaign_id, lambda: give_back(campaign_id, "giver"), clock)


@pytest.mark.parametrize("by", ["rebuild", "repair"])
def test_control_without_the_wait_another_process_rejects_a_new_winner(
    lossy: Settings, campaign_id: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rebuild, reconciliation):
        monkeypatch.setattr(module, "EXPIRED_S", 0.0)
    sell_out(lossy, campaign_id)
    ways = {
        "rebuild": lambda: lose_and_rebuild(lossy),
        "repair": lambda: repair(lossy, campaign_id),
    }
    # On a busy machine the rebuild itself may take longer than a cache lasts.
    assert rejected_elsewhere(campaign_id, ways[by], clock=ManualClock())


def test_serials_are_not_given_back_without_an_announcement(
    lossy: Settings, campaign_id: str
) -> None:
    sell_out(lossy, campaign_id)
    repair(lossy, campaign_id)
    redis = Redis(lossy, campaign_id)
    redis("HDEL", "campaign", "returning_until_ms")
    keys = CampaignKeys.of(campaign_id).all()[:4]
    args = "1", 1
    assert wiring.scripts().run(reconciliation.GIVE_BACK_SERIALS, keys, *args) == [b"STALE"]
