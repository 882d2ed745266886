"""The limits of admission: the same tests on the fake and on the real script in Valkey."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.scripts import Scripts
from handlers.domain.admission import Admission, Outcome, RateLimits
from tests.contract.admissions_backends import Backend, FakeBackend, ValkeyBackend
from tests.support.fakes import NOW_MS
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

MINUTE_MS = 60_000
ADDRESS = "203.0.113.7"


class RateLimitContract:
    """How often a user is let through, and what one call too many leaves unchanged."""

    @pytest.fixture
    def opened(self, backend: Backend, campaign_id: str) -> str:
        """The id of a campaign of three that opened at NOW_MS, where a window begins."""
        backend.open(campaign_id, 3, NOW_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        return campaign_id

    @staticmethod
    def outcomes(backend: Backend, campaign_id: str, users: str, address: str = "") -> list[str]:
        """Let each letter of `users` apply; return the first letters of the outcomes."""
        admissions = backend.admissions
        return [admit_one(admissions, campaign_id, user, address).outcome.value for user in users]

    def test_a_user_repeats_so_often_and_no_oftener_until_the_next_window(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_user=2)
        expected = ["ACCEPTED", *["ALREADY_APPLIED"] * 2, *["TOO_MANY_REQUESTS"] * 3]
        assert self.outcomes(backend, opened, "aaaaaa") == expected
        backend.set_clock(NOW_MS + 999)
        too_many = Admission(Outcome.TOO_MANY_REQUESTS, retry_in_ms=1)
        assert admit_one(backend.admissions, opened, "a") == too_many
        backend.set_clock(NOW_MS + 1000)
        assert admit_one(backend.admissions, opened, "a") == Admission(
            Outcome.ALREADY_APPLIED, 1, NOW_MS, fence=1
        )

    def test_without_limits_all_of_the_same_calls_are_let_through(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit()
        expected = ["ACCEPTED", *["ALREADY_APPLIED"] * 5]
        assert self.outcomes(backend, opened, "aaaaaa", ADDRESS) == expected

    def test_an_address_gets_so_many_admitted_and_no_more_until_the_next_window(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_address=2)
        expected = ["ACCEPTED", "ACCEPTED", "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS"]
        assert self.outcomes(backend, opened, "abcd", ADDRESS) == expected
        backend.set_clock(NOW_MS + 1000)
        admission = admit_one(backend.admissions, opened, "c", ADDRESS)
        assert admission == Admission(Outcome.ACCEPTED, 3, NOW_MS + 1000, fence=1)

    def test_one_address_does_not_use_up_the_calls_of_another_nor_one_user_those_of_another(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_user=1, per_address=2)
        assert self.outcomes(backend, opened, "aab", ADDRESS)[2] == "TOO_MANY_REQUESTS"
        assert self.outcomes(backend, opened, "b", "2001:db8::/64") == ["ACCEPTED"]
        assert self.outcomes(backend, opened, "bb", "203.0.113.8") == [
            "ALREADY_APPLIED",
            "TOO_MANY_REQUESTS",
        ]

    def test_a_user_who_is_limited_uses_up_nothing_of_the_address(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_user=1, per_address=3)
        self.outcomes(backend, opened, "a" * 9, ADDRESS)
        assert self.outcomes(backend, opened, "b", ADDRESS) == ["ACCEPTED"]

    def test_an_unknown_address_is_not_counted(self, backend: Backend, opened: str) -> None:
        backend.limit(per_address=1)
        assert self.outcomes(backend, opened, "abc") == ["ACCEPTED"] * 3

    def test_a_call_too_many_changes_nothing_and_bars_no_user(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_user=1, per_address=2)
        self.outcomes(backend, opened, "aa", ADDRESS)
        before = backend.dump()
        for user in ("a", "b"):
            limited = admit_one(backend.admissions, opened, user, ADDRESS)
            assert limited == Admission(Outcome.TOO_MANY_REQUESTS, retry_in_ms=1000)
        assert backend.dump() == before
        backend.set_clock(NOW_MS + 1000)
        given = [admit_one(backend.admissions, opened, user, ADDRESS).serial for user in "ab"]
        assert given == [1, 2]

    def test_early_calls_are_limited_and_at_the_opening_no_call_is(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open(campaign_id, 3, NOW_MS, NOW_MS + MINUTE_MS)
        backend.limit(per_user=2, per_address=2)
        backend.set_clock(NOW_MS - 1)
        expected = ["NOT_OPEN", "NOT_OPEN", "TOO_MANY_REQUESTS"]
        assert self.outcomes(backend, campaign_id, "aaa", ADDRESS) == expected
        limited = admit_one(backend.admissions, campaign_id, "a", ADDRESS)
        assert limited.retry_in_ms == 1
        backend.set_clock(NOW_MS)
        assert self.outcomes(backend, campaign_id, "a", ADDRESS) == ["ACCEPTED"]

    def test_a_call_to_a_campaign_that_is_gone_or_over_or_unsure_is_not_counted(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_user=1, per_address=4)
        assert self.outcomes(backend, opened, "abc", ADDRESS) == ["ACCEPTED"] * 3
        assert self.outcomes(backend, opened, "ddddd", ADDRESS) == ["SOLD_OUT"] * 5
        lost = self.outcomes(backend, f"{opened}-2", "ddddd", ADDRESS)
        assert lost == ["NOT_FOUND"] * 5
        assert self.outcomes(backend, opened, "a", ADDRESS) == ["ALREADY_APPLIED"]
        assert self.outcomes(backend, opened, "ddddd", ADDRESS) == ["SOLD_OUT"] * 5
        backend.set_clock(NOW_MS + MINUTE_MS)
        assert self.outcomes(backend, opened, "ddddd", ADDRESS) == ["CLOSED"] * 5
        backend.make_stale(opened)
        assert self.outcomes(backend, opened, "aaaaa", ADDRESS) == ["STALE"] * 5

    def test_no_user_can_pass_for_an_address_nor_for_the_window(
        self, backend: Backend, opened: str
    ) -> None:
        backend.limit(per_user=1, per_address=1)
        for user in (ADDRESS, "window", "user:a"):
            assert admit_one(backend.admissions, opened, user).outcome is Outcome.ACCEPTED
            assert admit_one(backend.admissions, opened, user).outcome is Outcome.ALREADY_APPLIED
            assert admit_one(backend.admissions, opened, user).outcome is Outcome.TOO_MANY_REQUESTS
        again = admit_one(backend.admissions, opened, ADDRESS, ADDRESS)
        assert again.outcome is Outcome.TOO_MANY_REQUESTS


class TestOnTheFake(RateLimitContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()


class TestOnValkey(RateLimitContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyBackend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as made:
            yield made

    @staticmethod
    def at_once(
        settings: Settings, campaign_id: str, users: list[str], limits: RateLimits
    ) -> Counter[Outcome]:
        """Let all of them apply from one address, through two clients as two processes have."""
        with ExitStack() as stack, ThreadPoolExecutor(16) as pool:
            clients = [
                stack.enter_context(closing(Scripts(lambda: connect(settings), epoch=True)))
                for _ in range(2)
            ]
            of = [Admissions(client, limits) for client in clients]
            given = pool.map(
                lambda n: admit_one(of[n % 2], campaign_id, users[n], ADDRESS), range(len(users))
            )
            return Counter(admission.outcome for admission in given)

    def test_of_many_users_at_one_address_exactly_the_limit_is_admitted_over_all_processes(
        self, backend: ValkeyBackend, clean: Settings, campaign_id: str
    ) -> None:
        backend.open(campaign_id, 1000, NOW_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        users = [f"user-{n}" for n in range(120)]
        limited = self.at_once(clean, campaign_id, users, RateLimits(10, 50))
        assert limited == {Outcome.ACCEPTED: 50, Outcome.TOO_MANY_REQUESTS: 70}
        assert backend.count(campaign_id) == 50

    def test_without_the_limit_all_of_them_are_admitted(
        self, backend: ValkeyBackend, clean: Settings, campaign_id: str
    ) -> None:
        """The negative control: the race above is a real race."""
        backend.open(campaign_id, 1000, NOW_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        users = [f"user-{n}" for n in range(120)]
        assert self.at_once(clean, campaign_id, users, RateLimits(10, 0)) == {Outcome.ACCEPTED: 120}

    def test_one_user_at_many_processes_is_let_through_exactly_so_often(
        self, backend: ValkeyBackend, clean: Settings, campaign_id: str
    ) -> None:
        backend.open(campaign_id, 1000, NOW_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        limited = self.at_once(clean, campaign_id, ["eager"] * 120, RateLimits(10, 0))
        assert limited[Outcome.ACCEPTED] == 1
        assert limited[Outcome.ALREADY_APPLIED] == 10
        assert limited[Outcome.TOO_MANY_REQUESTS] == 109
        backend.set_clock(NOW_MS + 1000)
        unlimited = self.at_once(clean, campaign_id, ["eager"] * 120, RateLimits())
        assert unlimited == {Outcome.ALREADY_APPLIED: 120}

    def test_one_window_is_kept_and_it_expires_by_itself(
        self, backend: ValkeyBackend, opened: str
    ) -> None:
        backend.limit(per_user=10, per_address=10)
        self.outcomes(backend, opened, "aab", ADDRESS)
        backend.set_clock(NOW_MS + 2500)
        self.outcomes(backend, opened, "a", "2001:db8::/64")
        counted, kept_ms = backend.rate(opened)
        assert counted == {b"window": b"2", b"user:a": b"1", b"2001:db8::/64": b"1"}
        assert 0 < kept_ms <= MINUTE_MS

    def test_where_both_limits_are_off_nothing_is_written(
        self, backend: ValkeyBackend, opened: str
    ) -> None:
        backend.limit()
        self.outcomes(backend, opened, "aab", ADDRESS)
        assert backend.rate(opened)[0] == {}

    def test_a_hash_without_an_expiry_is_counted_again_and_gets_one(
        self, backend: ValkeyBackend, opened: str
    ) -> None:
        """Like an AOF that lost its last command."""
        backend.leave_behind(opened, {"window": -5, ADDRESS: 10**9})
        backend.limit(per_address=1)
        assert self.outcomes(backend, opened, "a", ADDRESS) == ["ACCEPTED"]
        counted, kept_ms = backend.rate(opened)
        assert counted == {b"window": b"0", ADDRESS.encode(): b"1"}
        assert kept_ms > 0
