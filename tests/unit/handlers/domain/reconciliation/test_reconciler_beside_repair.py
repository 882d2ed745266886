"""A comparison while a repair gives serials back, on fakes: what is on its way is no difference."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.mysql.queries import Coupon
from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.domain.reconciliation.differences import NEVER_GIVEN_OUT, Discrepancy, Kind
from handlers.domain.reconciliation.reconciler import Reconciler
from handlers.reconcile import compare
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.unit.conftest import Fakes

QUANTITY = 8


@pytest.fixture
def sold(fakes: Fakes) -> FakeCampaign:
    """Return a campaign in which three serials were given out, and only the first has a holder."""
    one = FakeCampaign(QUANTITY, 0, 2**42, count=3, serials={"a": 1})
    campaign = Campaign("welcome", "Welcome", QUANTITY, 0, 2**42)
    fakes.admissions.campaigns["welcome"] = one
    status = CampaignStatus(campaign, 0, 0, 0, None, NOW_MS)
    fakes.redis_campaigns.statuses["welcome"] = status
    fakes.mysql_queries.campaigns["welcome"] = campaign
    fakes.mysql_queries.coupon_rows = {("welcome", "a"): Coupon(1, "a", "", 0, 0)}
    return one


def gap(serial: int) -> Discrepancy:
    return Discrepancy(Kind.SERIAL_GAP, admitted_serial=serial)


def found() -> list[Discrepancy]:
    return [difference for batch in compare("welcome").differences() for difference in batch]


def test_a_gap_that_is_given_back_before_the_recheck_is_none(
    sold: FakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found() == [gap(2), gap(3)]
    monkeypatch.setattr(time, "sleep", lambda _: sold.returned.append(2))
    assert found() == [gap(3)]


def test_a_recheck_that_asks_only_for_holders_would_report_it(
    sold: FakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    def holders_only(self: Reconciler, serials: set[int | None]) -> Iterator[Discrepancy]:
        asked = [serial for serial in serials if serial]
        return map(gap, self._admissions.unassigned_serials("welcome", asked))

    monkeypatch.setattr(time, "sleep", lambda _: sold.returned.append(2))
    monkeypatch.setattr(Reconciler, "_still_gaps", holders_only)
    assert found() == [gap(2), gap(3)]


def test_a_gap_that_is_given_back_and_then_taken_within_the_recheck_is_none(
    fakes: Fakes, sold: FakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The applicant comes between the two reads, whichever is the first."""
    reader = fakes.admission_reader
    returned, unassigned = reader.returned, reader.unassigned_serials

    def take() -> None:
        if sold.returned:
            sold.serials["b"] = sold.returned.pop()

    def returned_then_taken(campaign_id: str) -> Iterator[int]:
        yield from list(returned(campaign_id))
        take()

    def unassigned_then_taken(campaign_id: str, serials: Sequence[int]) -> list[int]:
        free = unassigned(campaign_id, serials)
        take()
        return free

    monkeypatch.setattr(reader, "returned", returned_then_taken)
    monkeypatch.setattr(reader, "unassigned_serials", unassigned_then_taken)
    monkeypatch.setattr(time, "sleep", lambda _: sold.returned.append(2))
    assert found() == [gap(3)]
    assert sold.serials == {"a": 1, "b": 2}


def test_a_serial_that_was_given_out_and_back_since_the_snapshot_was_given_out(
    fakes: Fakes, sold: FakeCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, sold.count = fakes.admission_reader, 1
    returned = reader.returned

    def given_back_meanwhile(campaign_id: str) -> Iterator[int]:
        sold.count, sold.returned = 2, [2, 5]
        return returned(campaign_id)

    monkeypatch.setattr(reader, "returned", given_back_meanwhile)
    never = Discrepancy(Kind.COUNT_MISMATCH, admitted_serial=5, detail=NEVER_GIVEN_OUT)
    assert found() == [never]
