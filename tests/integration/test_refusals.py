"""Refusals are counted in Redis, and a report says how many and since when."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import operations, wiring
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain.refusal_counts import REFUSALS
from handlers.refusals import store_refusals
from tests.support.service import ADMIN, apply, ask, create_campaign, cut_off_redis

if TYPE_CHECKING:
    from handlers.config import Settings


@pytest.fixture
def counted(service: Settings, campaign_id: str) -> Settings:
    REFUSALS.take()  # an earlier test's
    create_campaign(campaign_id, quantity=3)
    return service


def refusals(campaign_id: str) -> dict[str, object]:
    call = "GET /campaigns/{id}/report"
    found = ask(call, campaign_id, user="admin", scope=ADMIN)
    assert found.status == 200
    return dict(found.body["refusals"])


def test_a_report_has_every_refusal_of_all_processes_by_reason(
    counted: Settings, campaign_id: str
) -> None:
    early = f"{campaign_id}-early"
    create_campaign(early, opens_in_s=60)
    codes = [apply(campaign_id, f"u{n}").code for n in range(10)]
    assert codes.count("ACCEPTED") == 3
    assert [apply(early, f"u{n}").code for n in range(4)] == ["NOT_OPEN"] * 4
    store_refusals()
    first = refusals(campaign_id)
    assert first["by_reason"] == {"SOLD_OUT": 7}
    assert refusals(early)["by_reason"] == {"NOT_OPEN": 4}
    wiring.reset()  # another process
    assert apply(campaign_id, "late").code == "SOLD_OUT"
    REFUSALS.count(campaign_id, "CLOSED")
    store_refusals()
    store_refusals()
    second = refusals(campaign_id)
    assert second == {"since": first["since"], "by_reason": {"CLOSED": 1, "SOLD_OUT": 8}}
    assert first["since"]
    assert counted.stage == "local"


def test_a_campaign_that_is_not_in_redis_gets_no_key(counted: Settings, campaign_id: str) -> None:
    gone = f"{campaign_id}-gone"
    REFUSALS.count(gone, "CLOSED")
    REFUSALS.count(campaign_id, "CLOSED")
    store_refusals()
    with closing(connect(counted)) as redis:
        assert redis.exists(CampaignKeys.of(gone).refused) == 0
        assert 0 < redis.pttl(CampaignKeys.of(campaign_id).refused) <= 400 * 86_400_000
    assert operations.refusal_store().of(gone).since_ms is None


def test_without_redis_a_report_has_no_refusals_rather_than_none(
    counted: Settings, campaign_id: str
) -> None:
    cut_off_redis(counted)
    call = "GET /campaigns/{id}/report"
    found = ask(call, campaign_id, user="admin", scope=ADMIN)
    assert (found.status, found.body["refusals"], found.body["coupons"]) == (200, None, 0)
