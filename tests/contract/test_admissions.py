"""The same tests on the fake admissions and on the real script in Valkey."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.admission import Admission, Outcome
from handlers.domain.coupon import CouponAccepted
from handlers.domain.rejection_cache import Refusal
from handlers.domain.settlement import Holder, Settlement
from tests.contract.admissions_worlds import (
    MINUTE_MS,
    FakeWorld,
    OpenCampaign,
    ValkeyWorld,
    World,
)
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


class AdmissionsContract(OpenCampaign):
    """What admissions promise, whatever they are made of."""

    def test_serials_are_given_in_the_order_of_arrival(self, world: World, opened: str) -> None:
        given = [world.admissions.admit(opened, user) for user in ("c", "a", "b")]
        assert given == [Admission(Outcome.ACCEPTED, n, NOW_MS) for n in (1, 2, 3)]
        assert world.pending(opened) == {"c": NOW_MS, "a": NOW_MS, "b": NOW_MS}
        assert world.count(opened) == 3

    def test_after_the_last_everybody_new_is_sold_out(self, world: World, opened: str) -> None:
        for user in ("1", "2", "3"):
            world.admissions.admit(opened, user)
        before = world.dump()
        for user in ("4", "5"):
            assert world.admissions.admit(opened, user) == Admission(Outcome.SOLD_OUT)
        assert world.dump() == before

    def test_a_repeated_apply_gets_the_same_serial_also_when_all_is_over(
        self, world: World, opened: str
    ) -> None:
        admitted = [world.admissions.admit(opened, user) for user in ("1", "2", "3")][1]
        before = world.dump()
        for now_ms in (NOW_MS, NOW_MS + MINUTE_MS, NOW_MS + 10 * MINUTE_MS):
            world.set_clock(now_ms)
            again = world.admissions.admit(opened, "2")
            assert again == Admission(Outcome.ALREADY_APPLIED, 2, admitted.admitted_at_ms)
        assert world.dump() == before

    @pytest.mark.parametrize(
        ("after_opening_ms", "expected"),
        [
            (-MINUTE_MS, Admission(Outcome.NOT_OPEN, retry_in_ms=MINUTE_MS)),
            (-1, Admission(Outcome.NOT_OPEN, retry_in_ms=1)),
            (0, Admission(Outcome.ACCEPTED, 1, NOW_MS)),
            (999, Admission(Outcome.ACCEPTED, 1, NOW_MS + 999)),
            (1000, Admission(Outcome.CLOSED)),
            (MINUTE_MS, Admission(Outcome.CLOSED)),
        ],
    )
    def test_the_window_is_exact_to_the_millisecond(
        self, world: World, campaign_id: str, after_opening_ms: int, expected: Admission
    ) -> None:
        world.open(campaign_id, 3, NOW_MS, NOW_MS + 1000)
        world.set_clock(NOW_MS + after_opening_ms)
        before = world.dump()
        assert world.admissions.admit(campaign_id, "42") == expected
        assert (world.dump() == before) == (expected.outcome is not Outcome.ACCEPTED)

    def test_a_campaign_that_is_not_there_is_not_found(
        self, world: World, campaign_id: str
    ) -> None:
        before = world.dump()
        assert world.admissions.admit(campaign_id, "42") == Admission(Outcome.NOT_FOUND)
        assert world.dump() == before

    def test_where_everything_is_forgotten_nothing_is_not_found(
        self, world: World, campaign_id: str
    ) -> None:
        world.lose_epoch()
        assert world.admissions.admit(campaign_id, "42") == Admission(Outcome.STALE)

    def test_a_campaign_of_another_run_admits_nobody_and_repeats_nothing(
        self, world: World, opened: str
    ) -> None:
        world.admissions.admit(opened, "1")
        world.make_stale(opened)
        before = world.dump()
        for user in ("1", "2"):
            assert world.admissions.admit(opened, user) == Admission(Outcome.STALE)
        assert world.dump() == before

    def test_a_returned_serial_is_given_before_a_new_one(self, world: World, opened: str) -> None:
        for user in ("1", "2"):
            world.admissions.admit(opened, user)
        world.give_back(opened, [2, 1])
        serials = [world.admissions.admit(opened, user).serial for user in ("3", "4", "5", "6")]
        assert serials == [2, 1, 3, 0]
        assert world.count(opened) == 3

    def test_campaigns_do_not_disturb_each_other(self, world: World, opened: str) -> None:
        world.open(f"{opened}-2", 3, NOW_MS - 1, NOW_MS + 1)
        for campaign_id in (opened, f"{opened}-2"):
            assert world.admissions.admit(campaign_id, "1").serial == 1
        assert world.count(opened) == 1

    def test_users_are_told_apart_by_every_byte(self, world: World, opened: str) -> None:
        outcomes = [world.admissions.admit(opened, user).outcome for user in ("a", "A", "a~")]
        assert outcomes == [Outcome.ACCEPTED] * 3

    def test_only_an_admission_that_stands_is_made_durable(self, world: World, opened: str) -> None:
        world.admissions.admit(opened, "1")
        admitted = CouponAccepted(opened, "1", 1, NOW_MS)
        make_durable = world.admissions.make_all_durable
        assert make_durable([admitted]) == [True]
        assert make_durable([admitted._replace(serial=2)]) == [False]
        assert make_durable([admitted._replace(user_id="2")]) == [False]
        assert make_durable([admitted._replace(campaign_id=f"{opened}-2")]) == [False]
        world.make_stale(opened)
        assert make_durable([admitted]) == [False]

    def test_a_campaign_refuses_all_but_its_winners_once_it_is_sold_out_or_over(
        self, world: World, opened: str
    ) -> None:
        winners = ["1", "2", "3"]
        for user in winners:
            assert world.admissions.refusal(opened, 3) is None
            world.admissions.admit(opened, user)
        before = world.dump()
        sold_out = Refusal(Admission(Outcome.SOLD_OUT), frozenset(winners))
        assert world.admissions.refusal(opened, 3) == sold_out
        world.set_clock(NOW_MS + MINUTE_MS)
        over = Refusal(Admission(Outcome.CLOSED), frozenset(winners))
        assert world.admissions.refusal(opened, 3) == over
        assert world.dump() == before

    def test_no_campaign_refuses_all_while_it_is_unsure_or_has_a_serial_to_give_again(
        self, world: World, opened: str
    ) -> None:
        for user in ("1", "2", "3"):
            world.admissions.admit(opened, user)
        assert world.admissions.refusal(opened, 2) is None  # too many winners to tell
        assert world.admissions.refusal(f"{opened}-2", 3) is None
        world.give_back(opened, [2])
        assert world.admissions.refusal(opened, 3) is None
        world.admissions.admit(opened, "4")
        world.make_stale(opened)
        assert world.admissions.refusal(opened, 4) is None


class TestOnTheFake(AdmissionsContract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld()


class TestOnValkey(AdmissionsContract):
    @pytest.fixture
    def world(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyWorld]:
        with closing(ValkeyWorld(clean, monkeypatch)) as made:
            yield made

    def test_no_key_of_a_campaign_expires(self, world: ValkeyWorld, opened: str) -> None:
        world.admissions.admit(opened, "1")
        world.admissions.settle([Settlement(opened, "1", 1, Holder.ISSUED)])
        assert {ttl for _, ttl in world.dump().values()} == {-1}

    def test_many_at_once_get_each_serial_once(self, world: ValkeyWorld, campaign_id: str) -> None:
        world.open(campaign_id, 50, NOW_MS - 1, NOW_MS + 1)
        world.set_clock(NOW_MS)
        with ThreadPoolExecutor(16) as pool:
            admit = world.admissions.admit
            users = [f"user-{n % 100}" for n in range(300)]
            given = list(pool.map(lambda user: admit(campaign_id, user), users))
        accepted = [one.serial for one in given if one.outcome is Outcome.ACCEPTED]
        assert sorted(accepted) == list(range(1, 51))
        for user in users:
            serials = {g.serial for g, u in zip(given, users, strict=True) if u == user}
            assert len(serials) == 1
