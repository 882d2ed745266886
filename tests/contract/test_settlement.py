"""Settling what MySQL has stored, on the fake admissions and on the real script in Valkey."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis import admissions
from handlers.adapters.redis.settling import SETTLE
from handlers.domain.admission import Admission, Outcome
from handlers.domain.rejection_cache import Rejection
from handlers.domain.settlement import SettledAs, Settlement
from tests.contract.admissions_backends import Backend, FakeBackend, OpenCampaign, ValkeyBackend
from tests.support.fakes import NOW_MS
from tests.support.mutated import change
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

# What settle did before: the count is at least as high as each serial that is put back.
PUTS_BACK = "redis.call('ZADD', KEYS[2], serial, user)"
RAISES_COUNT = """
      local count = tonumber(redis.call('GET', KEYS[3]) or '0')
      redis.call('SET', KEYS[3], math.max(count, serial))
"""


def assert_has(backend: Backend, campaign_id: str, user: str, *, serial: int) -> None:
    admission = admit_one(backend.admissions, campaign_id, user)
    assert admission == Admission(Outcome.ALREADY_APPLIED, serial, fence=1)


class SettlementContract(OpenCampaign):
    """What settling promises in every implementation of admissions."""

    def test_what_is_in_mysql_is_no_longer_pending(self, backend: Backend, opened: str) -> None:
        for user in ("1", "2", "3"):
            admit_one(backend.admissions, opened, user)
        settlements = [
            Settlement(opened, "1", 1, SettledAs.COUPON),
            Settlement(opened, "2", 2, SettledAs.FAILED_EVENT),
        ]
        backend.admissions.settle(settlements)
        assert set(backend.pending(opened)) == {"3"}
        after = backend.dump()
        backend.admissions.settle(settlements)
        assert backend.dump() == after
        assert admit_one(backend.admissions, opened, "1") == Admission(
            Outcome.ALREADY_APPLIED, 1, fence=1
        )

    def test_a_coupon_that_was_forgotten_is_put_back_with_its_serial(
        self, backend: Backend, opened: str
    ) -> None:
        backend.give_back(opened, [2])
        backend.admissions.settle([Settlement(opened, "old", 2, SettledAs.COUPON)])
        assert admit_one(backend.admissions, opened, "old") == Admission(
            Outcome.ALREADY_APPLIED, 2, fence=1
        )
        given = [admit_one(backend.admissions, opened, user).serial for user in ("new", "last")]
        assert given == [1, 3]
        assert admit_one(backend.admissions, opened, "late").outcome is Outcome.SOLD_OUT

    def test_a_coupon_that_redis_never_gave_takes_its_own_serial_only(
        self, backend: Backend, opened: str
    ) -> None:
        backend.admissions.settle([Settlement(opened, "forger", 3, SettledAs.COUPON)])
        assert backend.count(opened) == 0
        given = [admit_one(backend.admissions, opened, user) for user in ("1", "2", "4")]
        assert [one.serial for one in given] == [1, 2, 0]
        assert given[2].outcome is Outcome.SOLD_OUT
        assert backend.admissions.rejection(opened, 10) == Rejection(
            Admission(Outcome.SOLD_OUT), frozenset({"1", "2", "forger"})
        )

    @pytest.mark.parametrize("seed", range(8))
    def test_serials_that_are_held_are_left_out_in_any_pattern(
        self, backend: Backend, campaign_id: str, seed: int
    ) -> None:
        backend.open(campaign_id, 40, NOW_MS - 1, NOW_MS + 1)
        backend.set_clock(NOW_MS)
        chosen = random.Random(seed)  # noqa: S311 - a test's
        held = set(chosen.sample(range(1, 41), chosen.randint(1, 39)))
        backend.admissions.settle(
            Settlement(campaign_id, f"held-{serial}", serial, SettledAs.COUPON) for serial in held
        )
        given = [admit_one(backend.admissions, campaign_id, f"user-{n}").serial for n in range(41)]
        free = sorted(set(range(1, 41)) - held)
        assert given == [*free, *[0] * (41 - len(free))]

    def test_a_coupon_under_another_serial_corrects_what_was_remembered(
        self, backend: Backend, opened: str
    ) -> None:
        admit_one(backend.admissions, opened, "1")
        backend.admissions.settle([Settlement(opened, "1", 3, SettledAs.COUPON)])
        assert admit_one(backend.admissions, opened, "1") == Admission(
            Outcome.ALREADY_APPLIED, 3, fence=1
        )
        assert backend.pending(opened) == {}
        assert backend.count(opened) == 1
        given = [admit_one(backend.admissions, opened, user).serial for user in ("2", "3")]
        assert given == [2, 0]  # 1 is a gap, which a reconciliation gives back

    def test_one_forgotten_coupon_is_put_back_among_others_that_are_known(
        self, backend: Backend, opened: str
    ) -> None:
        for user in ("1", "2"):
            admit_one(backend.admissions, opened, user)
        settlements = [
            Settlement(opened, "1", 1, SettledAs.COUPON),
            Settlement(opened, "old", 3, SettledAs.COUPON),
            Settlement(opened, "2", 3, SettledAs.FAILED_EVENT),
        ]
        backend.admissions.settle(settlements)
        assert set(backend.pending(opened)) == {"2"}
        assert backend.count(opened) == 2
        after = backend.dump()
        backend.admissions.settle(settlements[::-1])
        assert backend.dump() == after
        assert admit_one(backend.admissions, opened, "old") == Admission(
            Outcome.ALREADY_APPLIED, 3, fence=1
        )

    def test_a_failed_event_of_another_fence_leaves_the_admission_pending(
        self, backend: Backend, opened: str
    ) -> None:
        admit_one(backend.admissions, opened, "1")
        before = backend.dump()
        for fence in (2, 10**9):
            other = Settlement(opened, "1", 1, SettledAs.FAILED_EVENT, fence)
            backend.admissions.settle([other])
            assert backend.dump() == before
        backend.admissions.settle([Settlement(opened, "1", 1, SettledAs.FAILED_EVENT, 1)])
        assert not backend.pending(opened)

    @pytest.mark.parametrize("serial", [2, 0, -1, 10**18, 10**400])
    def test_a_foreign_record_leaves_the_true_admission_pending(
        self, backend: Backend, opened: str, serial: int
    ) -> None:
        admit_one(backend.admissions, opened, "1")
        before = backend.dump()
        backend.admissions.settle([Settlement(opened, "1", serial, SettledAs.FAILED_EVENT)])
        backend.admissions.settle(
            [Settlement(opened, "never-applied", serial, SettledAs.FAILED_EVENT)]
        )
        assert backend.dump() == before

    def test_settling_nothing_and_a_campaign_that_is_not_there_changes_nothing(
        self, backend: Backend, opened: str
    ) -> None:
        before = backend.dump()
        backend.admissions.settle([])
        backend.admissions.settle([Settlement(f"{opened}-2", "1", 1, SettledAs.FAILED_EVENT)])
        assert backend.dump() == before

    def test_more_than_a_thousand_are_settled(self, backend: Backend, campaign_id: str) -> None:
        backend.open(campaign_id, 2500, NOW_MS - 1, NOW_MS + 1)
        backend.set_clock(NOW_MS)
        admitted = [
            admit_one(backend.admissions, campaign_id, f"user-{n}").serial for n in range(1101)
        ]
        backend.admissions.settle(
            Settlement(campaign_id, f"user-{n}", serial, SettledAs.COUPON)
            for n, serial in enumerate(admitted)
        )
        assert backend.pending(campaign_id) == {}


class TestOnTheFake(SettlementContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()


class TestOnValkey(SettlementContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyBackend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as made:
            yield made

    def test_control_a_settle_that_raises_the_count_takes_all_serials_below(
        self, backend: ValkeyBackend, opened: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(monkeypatch, SETTLE, PUTS_BACK, PUTS_BACK + RAISES_COUNT)
        backend.admissions.settle([Settlement(opened, "forger", 3, SettledAs.COUPON)])
        assert backend.count(opened) == 3
        assert admit_one(backend.admissions, opened, "1").outcome is Outcome.SOLD_OUT

    def test_control_where_the_next_serial_may_be_held_one_is_given_twice(
        self, backend: ValkeyBackend, opened: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Not the constant ADMIT: the backend has replaced it by a script with a clock that is set.
        change(monkeypatch, admissions.ADMIT, "if held == 0 then", "if true then")
        backend.admissions.settle([Settlement(opened, "forger", 3, SettledAs.COUPON)])
        given = [admit_one(backend.admissions, opened, user).serial for user in ("1", "2", "4")]
        assert given == [1, 2, 3]
