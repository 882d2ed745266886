"""Batches of applicants, on the fake admissions and on the real script in Valkey."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.admission import Admission, Applicant, Outcome
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import UnavailableError
from tests.contract.admissions_backends import Backend, FakeBackend, ValkeyBackend
from tests.support.fakes import NOW_MS
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.config import Settings

MINUTE_MS = 60_000
ADDRESS = "203.0.113.7"
# Campaign, user, and address; "open" has four coupons, every other one three.
APPLICANTS = (
    ("open", "1", ""),
    ("open", "2", ADDRESS),
    ("missing", "1", ""),
    ("open", "1", ""),
    ("stale", "1", ""),
    ("early", "1", ""),
    ("open", "1", ""),  # once more than a second allows
    ("other", "1", ADDRESS),
    ("open", "3", ADDRESS),
    ("open", "4", ADDRESS),  # a coupon is left, but the address has too many calls
    ("open", "5", ""),
    ("missing", "2", ""),
    ("open", "6", ""),
    ("over", "1", ""),
    ("open", "3", ""),
)
OUTCOMES = (
    Outcome.ACCEPTED,
    Outcome.ACCEPTED,
    Outcome.NOT_FOUND,
    Outcome.ALREADY_APPLIED,
    Outcome.STALE,
    Outcome.NOT_OPEN,
    Outcome.TOO_MANY_REQUESTS,
    Outcome.ACCEPTED,
    Outcome.ACCEPTED,
    Outcome.TOO_MANY_REQUESTS,
    Outcome.ACCEPTED,
    Outcome.NOT_FOUND,
    Outcome.SOLD_OUT,
    Outcome.CLOSED,
    Outcome.ALREADY_APPLIED,
)


class GroupsContract:
    """What every implementation of admissions promises to a batch."""

    @staticmethod
    def opened(backend: Backend, prefix: str) -> list[Applicant]:
        """Open a campaign of each kind; return the applicants."""
        for name, first_ms, last_ms in (
            ("open", -MINUTE_MS, MINUTE_MS),
            ("other", -MINUTE_MS, MINUTE_MS),
            ("stale", -MINUTE_MS, MINUTE_MS),
            ("early", 1500, MINUTE_MS),
            ("over", -MINUTE_MS, 0),
        ):
            quantity = 4 if name == "open" else 3
            backend.open(f"{prefix}-{name}", quantity, NOW_MS + first_ms, NOW_MS + last_ms)
        backend.make_stale(f"{prefix}-stale")
        backend.set_clock(NOW_MS)
        backend.limit(per_user=1, per_address=2)
        return [Applicant(f"{prefix}-{name}", user, of) for name, user, of in APPLICANTS]

    @staticmethod
    def outcomes(decided: Sequence[Admission | UnavailableError]) -> list[Outcome]:
        admissions = [one for one in decided if isinstance(one, Admission)]
        assert len(admissions) == len(decided)
        return [one.outcome for one in admissions]

    def test_a_batch_is_decided_as_if_each_had_come_after_the_other(
        self, backend: Backend, campaign_id: str
    ) -> None:
        alone = self.opened(backend, f"{campaign_id}-1")
        batched = self.opened(backend, f"{campaign_id}-2")
        one_by_one = [admit_one(backend.admissions, *applicant[:3]) for applicant in alone]
        decided = backend.admissions.admit_all(batched)
        assert decided == one_by_one
        assert tuple(self.outcomes(decided)) == OUTCOMES
        for name in ("open", "other"):
            left, right = (f"{campaign_id}-{n}-{name}" for n in (1, 2))
            assert backend.pending(left) == backend.pending(right)
            assert backend.count(left) == backend.count(right)

    def test_what_a_batch_counts_the_next_one_finds_counted(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open(campaign_id, 3, NOW_MS - MINUTE_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        backend.limit(per_address=3)
        batches = [
            [Applicant(campaign_id, user, ADDRESS) for user in users] for users in ("12", "34")
        ]
        first, second = (self.outcomes(backend.admissions.admit_all(batch)) for batch in batches)
        assert first == [Outcome.ACCEPTED, Outcome.ACCEPTED]
        assert second == [Outcome.ACCEPTED, Outcome.SOLD_OUT]
        again = backend.admissions.admit_all(batches[0])
        assert self.outcomes(again) == [Outcome.TOO_MANY_REQUESTS] * 2

    def test_nothing_is_missing_for_sure_while_the_epoch_is_not_known(
        self, backend: Backend, campaign_id: str
    ) -> None:
        applicants = self.opened(backend, campaign_id)
        backend.lose_epoch()
        outcomes = self.outcomes(backend.admissions.admit_all(applicants))
        assert Outcome.NOT_FOUND not in outcomes
        expected = [Outcome.STALE if one is Outcome.NOT_FOUND else one for one in OUTCOMES]
        assert outcomes == expected

    def test_of_several_admissions_those_of_the_present_history_are_confirmed(
        self, backend: Backend, campaign_id: str
    ) -> None:
        names = [f"{campaign_id}-{n}" for n in range(3)]
        for name in names:
            backend.open(name, 3, NOW_MS - MINUTE_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        backend.make_stale(names[1])
        expected = {(0, 1): True, (1, 1): False, (2, 1): True, (2, 2): False}
        messages = [CouponAccepted(names[n], "1", 1, NOW_MS, fence) for n, fence in expected]
        assert backend.admissions.confirm_all(messages * 2) == [*expected.values()] * 2


class TestOnTheFake(GroupsContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()

    def test_an_unreachable_redis_is_an_error_for_each(self, backend: FakeBackend) -> None:
        backend.admissions.reachable = False
        decided = backend.admissions.admit_all([Applicant("welcome", user) for user in "12"])
        assert [type(one) for one in decided] == [UnavailableError] * 2


class TestOnValkey(GroupsContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyBackend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as made:
            yield made
