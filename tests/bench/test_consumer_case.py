"""The consumer's case of the benchmark: its baselines write what the consumer writes."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bench.cases import consumer
from bench.harness import FAILURES
from handlers import wiring
from handlers.domain.coupon import CouponAccepted
from tests.support.service import coupons, create_campaign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.harness import Metrics
    from handlers.config import Settings


@pytest.mark.parametrize(
    "write", [consumer._insert, consumer._row_by_row, partial(consumer._handle, {})]
)
def test_each_way_of_writing_admissions_writes_all_of_them(
    service: Settings,
    campaign_id: str,
    write: Callable[[Sequence[CouponAccepted]], Metrics],
) -> None:
    create_campaign(campaign_id, quantity=3)
    fence = wiring.redis_campaigns().status(campaign_id).campaign.fence
    now_ms = int(time.time() * 1000)
    admitted = [CouponAccepted(campaign_id, f"user-{n}", n, now_ms, fence) for n in (1, 2, 3)]
    assert write(admitted)[FAILURES] == 0
    assert coupons(service, campaign_id) == [(f"user-{n}", n) for n in (1, 2, 3)]
