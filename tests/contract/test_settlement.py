"""What MySQL has taken over, told to the fake admissions and to the real script in Valkey."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.admission import Admission, Outcome
from handlers.domain.settlement import Holder, Settlement
from tests.contract.admissions_worlds import FakeWorld, OpenCampaign, ValkeyWorld, World
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


class SettlementContract(OpenCampaign):
    """What settling promises, whatever admissions are made of."""

    def test_what_is_in_mysql_is_no_longer_pending(self, world: World, opened: str) -> None:
        for user in ("1", "2", "3"):
            world.admissions.admit(opened, user)
        settlements = [
            Settlement(opened, "1", 1, Holder.ISSUED),
            Settlement(opened, "2", 2, Holder.KEPT),
        ]
        world.admissions.settle(settlements)
        assert set(world.pending(opened)) == {"3"}
        after = world.dump()
        world.admissions.settle(settlements)
        assert world.dump() == after
        assert world.admissions.admit(opened, "1") == Admission(Outcome.ALREADY_APPLIED, 1)

    def test_a_coupon_that_was_forgotten_is_put_back_with_its_serial(
        self, world: World, opened: str
    ) -> None:
        world.give_back(opened, [2])
        world.admissions.settle([Settlement(opened, "old", 2, Holder.ISSUED)])
        assert world.admissions.admit(opened, "old") == Admission(Outcome.ALREADY_APPLIED, 2)
        assert world.admissions.admit(opened, "new").serial == 3
        assert world.admissions.admit(opened, "late").outcome is Outcome.SOLD_OUT

    def test_a_coupon_under_another_serial_corrects_what_was_remembered(
        self, world: World, opened: str
    ) -> None:
        world.admissions.admit(opened, "1")
        world.admissions.settle([Settlement(opened, "1", 3, Holder.ISSUED)])
        assert world.admissions.admit(opened, "1") == Admission(Outcome.ALREADY_APPLIED, 3)
        assert world.pending(opened) == {}
        assert world.count(opened) == 3

    def test_one_forgotten_coupon_is_put_back_among_others_that_are_known(
        self, world: World, opened: str
    ) -> None:
        for user in ("1", "2"):
            world.admissions.admit(opened, user)
        settlements = [
            Settlement(opened, "1", 1, Holder.ISSUED),
            Settlement(opened, "old", 3, Holder.ISSUED),
            Settlement(opened, "2", 3, Holder.KEPT),
        ]
        world.admissions.settle(settlements)
        assert set(world.pending(opened)) == {"2"}
        assert world.count(opened) == 3
        after = world.dump()
        world.admissions.settle(settlements[::-1])
        assert world.dump() == after
        assert world.admissions.admit(opened, "old") == Admission(Outcome.ALREADY_APPLIED, 3)

    @pytest.mark.parametrize("serial", [2, 0, -1, 10**18, 10**400])
    def test_a_foreign_record_leaves_the_true_admission_pending(
        self, world: World, opened: str, serial: int
    ) -> None:
        world.admissions.admit(opened, "1")
        before = world.dump()
        world.admissions.settle([Settlement(opened, "1", serial, Holder.KEPT)])
        world.admissions.settle([Settlement(opened, "never-applied", serial, Holder.KEPT)])
        assert world.dump() == before

    def test_settling_nothing_and_a_campaign_that_is_not_there_changes_nothing(
        self, world: World, opened: str
    ) -> None:
        before = world.dump()
        world.admissions.settle([])
        world.admissions.settle([Settlement(f"{opened}-2", "1", 1, Holder.KEPT)])
        assert world.dump() == before

    def test_more_than_a_thousand_are_settled(self, world: World, campaign_id: str) -> None:
        world.open(campaign_id, 2500, NOW_MS - 1, NOW_MS + 1)
        world.set_clock(NOW_MS)
        admitted = [world.admissions.admit(campaign_id, f"user-{n}").serial for n in range(1101)]
        world.admissions.settle(
            Settlement(campaign_id, f"user-{n}", serial, Holder.ISSUED)
            for n, serial in enumerate(admitted)
        )
        assert world.pending(campaign_id) == {}


class TestOnTheFake(SettlementContract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()


class TestOnValkey(SettlementContract):
    @pytest.fixture
    def world(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyWorld]:
        with closing(ValkeyWorld(clean, monkeypatch)) as made:
            yield made
