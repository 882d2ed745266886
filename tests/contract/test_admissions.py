"""The same tests on the fake admissions and on the real script in Valkey."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.admission import Admission, Outcome
from handlers.domain.coupon import CouponAccepted
from handlers.domain.rejection_cache import Rejection
from handlers.domain.settlement import SettledAs, Settlement
from tests.contract.admissions_backends import (
    MINUTE_MS,
    Backend,
    FakeBackend,
    OpenCampaign,
    ValkeyBackend,
)
from tests.support.fakes import NOW_MS
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


class AdmissionsContract(OpenCampaign):
    """What every implementation of admissions promises."""

    def test_serials_are_given_in_the_order_of_arrival(self, backend: Backend, opened: str) -> None:
        given = [admit_one(backend.admissions, opened, user) for user in ("c", "a", "b")]
        assert given == [Admission(Outcome.ACCEPTED, n, NOW_MS, fence=1) for n in (1, 2, 3)]
        assert backend.pending(opened) == {"c": NOW_MS, "a": NOW_MS, "b": NOW_MS}
        assert backend.count(opened) == 3

    def test_after_the_last_every_new_user_is_sold_out(self, backend: Backend, opened: str) -> None:
        for user in ("1", "2", "3"):
            admit_one(backend.admissions, opened, user)
        before = backend.dump()
        for user in ("4", "5"):
            assert admit_one(backend.admissions, opened, user) == Admission(Outcome.SOLD_OUT)
        assert backend.dump() == before

    def test_a_repeated_apply_gets_the_same_serial_also_when_all_is_over(
        self, backend: Backend, opened: str
    ) -> None:
        admitted = [admit_one(backend.admissions, opened, user) for user in ("1", "2", "3")][1]
        before = backend.dump()
        for now_ms in (NOW_MS, NOW_MS + MINUTE_MS, NOW_MS + 10 * MINUTE_MS):
            backend.set_clock(now_ms)
            again = admit_one(backend.admissions, opened, "2")
            assert again == Admission(Outcome.ALREADY_APPLIED, 2, admitted.admitted_at_ms, fence=1)
        assert backend.dump() == before

    @pytest.mark.parametrize(
        ("after_opening_ms", "expected"),
        [
            (-MINUTE_MS, Admission(Outcome.NOT_OPEN, retry_in_ms=MINUTE_MS)),
            (-1, Admission(Outcome.NOT_OPEN, retry_in_ms=1)),
            (0, Admission(Outcome.ACCEPTED, 1, NOW_MS, fence=1)),
            (999, Admission(Outcome.ACCEPTED, 1, NOW_MS + 999, fence=1)),
            (1000, Admission(Outcome.CLOSED)),
            (MINUTE_MS, Admission(Outcome.CLOSED)),
        ],
    )
    def test_the_window_is_exact_to_the_millisecond(
        self, backend: Backend, campaign_id: str, after_opening_ms: int, expected: Admission
    ) -> None:
        backend.open(campaign_id, 3, NOW_MS, NOW_MS + 1000)
        backend.set_clock(NOW_MS + after_opening_ms)
        before = backend.dump()
        assert admit_one(backend.admissions, campaign_id, "42") == expected
        assert (backend.dump() == before) == (expected.outcome is not Outcome.ACCEPTED)

    def test_a_campaign_that_is_not_there_is_not_found(
        self, backend: Backend, campaign_id: str
    ) -> None:
        before = backend.dump()
        assert admit_one(backend.admissions, campaign_id, "42") == Admission(Outcome.NOT_FOUND)
        assert backend.dump() == before

    def test_where_everything_is_forgotten_nothing_is_not_found(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.lose_epoch()
        assert admit_one(backend.admissions, campaign_id, "42") == Admission(Outcome.STALE)

    def test_a_campaign_of_another_run_admits_no_user_and_repeats_nothing(
        self, backend: Backend, opened: str
    ) -> None:
        admit_one(backend.admissions, opened, "1")
        backend.make_stale(opened)
        before = backend.dump()
        for user in ("1", "2"):
            assert admit_one(backend.admissions, opened, user) == Admission(Outcome.STALE)
        assert backend.dump() == before

    def test_a_returned_serial_is_given_before_a_new_one(
        self, backend: Backend, opened: str
    ) -> None:
        for user in ("1", "2"):
            admit_one(backend.admissions, opened, user)
        backend.give_back(opened, [2, 1])
        serials = [
            admit_one(backend.admissions, opened, user).serial for user in ("3", "4", "5", "6")
        ]
        assert serials == [2, 1, 3, 0]
        assert backend.count(opened) == 3

    def test_campaigns_do_not_disturb_each_other(self, backend: Backend, opened: str) -> None:
        backend.open(f"{opened}-2", 3, NOW_MS - 1, NOW_MS + 1)
        for campaign_id in (opened, f"{opened}-2"):
            assert admit_one(backend.admissions, campaign_id, "1").serial == 1
        assert backend.count(opened) == 1

    def test_user_ids_are_compared_byte_by_byte(self, backend: Backend, opened: str) -> None:
        outcomes = [
            admit_one(backend.admissions, opened, user).outcome for user in ("a", "A", "a~")
        ]
        assert outcomes == [Outcome.ACCEPTED] * 3

    def test_an_admission_is_confirmed_only_in_the_history_that_made_it(
        self, backend: Backend, opened: str
    ) -> None:
        admission = admit_one(backend.admissions, opened, "1")
        admitted = CouponAccepted(opened, "1", 1, NOW_MS, admission.fence)
        confirm = backend.admissions.confirm_all
        assert confirm([admitted]) == [True]
        assert confirm([admitted._replace(fence=admission.fence + 1)]) == [False]
        assert confirm([admitted._replace(campaign_id=f"{opened}-2")]) == [False]
        backend.make_stale(opened)
        assert confirm([admitted]) == [False]

    def test_a_campaign_refuses_all_but_its_winners_once_it_is_sold_out_or_over(
        self, backend: Backend, opened: str
    ) -> None:
        winners = ["1", "2", "3"]
        for user in winners:
            assert backend.admissions.rejection(opened, 3) is None
            admit_one(backend.admissions, opened, user)
        before = backend.dump()
        sold_out = Rejection(Admission(Outcome.SOLD_OUT), frozenset(winners))
        assert backend.admissions.rejection(opened, 3) == sold_out
        backend.set_clock(NOW_MS + MINUTE_MS)
        over = Rejection(Admission(Outcome.CLOSED), frozenset(winners))
        assert backend.admissions.rejection(opened, 3) == over
        assert backend.dump() == before

    def test_no_campaign_refuses_all_while_it_is_unsure_or_has_a_serial_to_give_again(
        self, backend: Backend, opened: str
    ) -> None:
        for user in ("1", "2", "3"):
            admit_one(backend.admissions, opened, user)
        assert backend.admissions.rejection(opened, 2) is None  # too many winners to tell
        assert backend.admissions.rejection(f"{opened}-2", 3) is None
        backend.give_back(opened, [2])
        assert backend.admissions.rejection(opened, 3) is None
        admit_one(backend.admissions, opened, "4")
        backend.make_stale(opened)
        assert backend.admissions.rejection(opened, 4) is None


class TestOnTheFake(AdmissionsContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()


class TestOnValkey(AdmissionsContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyBackend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as made:
            yield made

    def test_no_key_of_a_campaign_expires(self, backend: ValkeyBackend, opened: str) -> None:
        admit_one(backend.admissions, opened, "1")
        backend.admissions.settle([Settlement(opened, "1", 1, SettledAs.COUPON)])
        assert {ttl for _, ttl in backend.dump().values()} == {-1}

    def test_many_at_once_get_each_serial_once(
        self, backend: ValkeyBackend, campaign_id: str
    ) -> None:
        backend.open(campaign_id, 50, NOW_MS - 1, NOW_MS + 1)
        backend.set_clock(NOW_MS)
        with ThreadPoolExecutor(16) as pool:
            users = [f"user-{n % 100}" for n in range(300)]
            given = list(
                pool.map(lambda user: admit_one(backend.admissions, campaign_id, user), users)
            )
        accepted = [one.serial for one in given if one.outcome is Outcome.ACCEPTED]
        assert sorted(accepted) == list(range(1, 51))
        for user in users:
            serials = {g.serial for g, u in zip(given, users, strict=True) if u == user}
            assert len(serials) == 1
