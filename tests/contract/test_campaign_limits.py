"""The limits that a campaign sets for itself: the same on the fake and on the script in Valkey."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.admission import Admission, Applicant, Outcome, Screening
from handlers.domain.errors import UnavailableError
from tests.contract.admissions_backends import Backend, FakeBackend, ValkeyBackend
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.config import Settings

ADDRESS = "203.0.113.7"
MEMBERS = {"eligibility": {"claim": "member", "equals": True}}


class CampaignLimitsContract:
    """A campaign's own limit for an address, and its rules."""

    @staticmethod
    def decide(backend: Backend, applicants: Sequence[Applicant]) -> list[Admission]:
        decided = list(backend.admissions.admit_all(applicants))
        assert not any(isinstance(one, UnavailableError) for one in decided)
        return [one for one in decided if isinstance(one, Admission)]

    def outcomes(
        self, backend: Backend, campaign_id: str, users: str, screening: Screening, of: str = ""
    ) -> list[str]:
        applicants = [Applicant(campaign_id, user, of, screening) for user in users]
        return [one.outcome.value for one in self.decide(backend, applicants)]

    @pytest.mark.parametrize(("limit", "admitted"), [(0, 8), (1, 1), (5, 5)])
    def test_its_own_limit_goes_before_that_of_the_service(
        self, backend: Backend, campaign_id: str, limit: int, admitted: int
    ) -> None:
        backend.limit(per_address=3)
        backend.open_limited(campaign_id, 9, {"rate_per_address": limit})
        backend.set_clock(NOW_MS)
        outcomes = self.outcomes(backend, campaign_id, "12345678", Screening(), ADDRESS)
        assert outcomes == ["ACCEPTED"] * admitted + ["TOO_MANY_REQUESTS"] * (8 - admitted)

    def test_without_one_the_limit_of_the_service_holds(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.limit(per_address=3)
        backend.open_limited(campaign_id, 9, {})
        backend.set_clock(NOW_MS)
        outcomes = Counter(self.outcomes(backend, campaign_id, "12345678", Screening(), ADDRESS))
        assert outcomes == {"ACCEPTED": 3, "TOO_MANY_REQUESTS": 5}

    @pytest.mark.parametrize(
        "checked",
        [
            Screening(),
            Screening('{"challenge":{"max_number":1000}}'),
            Screening("", is_refused=True),
        ],
    )
    def test_who_was_not_checked_against_its_rules_is_not_admitted_and_reads_them(
        self, backend: Backend, campaign_id: str, checked: Screening
    ) -> None:
        backend.limit(per_user=1, per_address=1)
        rules = backend.open_limited(campaign_id, 9, MEMBERS)
        backend.set_clock(NOW_MS)
        before = backend.dump()
        applicants = [Applicant(campaign_id, user, ADDRESS, checked) for user in "112"]
        for _ in range(2):  # it is not counted: the same call comes again
            expected = [Admission(Outcome.RULES, rules=rules)] * 3
            assert self.decide(backend, applicants) == expected
        assert backend.dump() == before

    def test_rules_that_a_campaign_does_not_have_do_not_admit_either(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 9, {})
        backend.set_clock(NOW_MS)
        old = Screening('{"challenge":{"max_number":1000}}')
        [decided] = self.decide(backend, [Applicant(campaign_id, "1", "", old)])
        assert decided == Admission(Outcome.RULES, rules="")

    def test_the_checked_are_admitted_and_the_refused_are_not_in_one_batch(
        self, backend: Backend, campaign_id: str
    ) -> None:
        rules = backend.open_limited(campaign_id, 9, MEMBERS)
        backend.open_limited(f"{campaign_id}-2", 9, {})
        backend.set_clock(NOW_MS)
        decided = self.decide(
            backend,
            [
                Applicant(campaign_id, "1", "", Screening(rules)),
                Applicant(campaign_id, "2", "", Screening(rules, is_refused=True)),
                Applicant(f"{campaign_id}-2", "1"),
                Applicant(campaign_id, "3", "", Screening(rules)),
            ],
        )
        assert [(one.outcome.value, one.serial) for one in decided] == [
            ("ACCEPTED", 1),
            ("REFUSED", 0),
            ("ACCEPTED", 1),
            ("ACCEPTED", 2),
        ]

    def test_who_has_been_admitted_gets_the_serial_whatever_was_checked(
        self, backend: Backend, campaign_id: str
    ) -> None:
        rules = backend.open_limited(campaign_id, 9, MEMBERS)
        backend.set_clock(NOW_MS)
        assert self.outcomes(backend, campaign_id, "1", Screening(rules)) == ["ACCEPTED"]
        for checked in (Screening(), Screening(rules, is_refused=True)):
            assert self.outcomes(backend, campaign_id, "1", checked) == ["ALREADY_APPLIED"]

    def test_the_refused_read_it_before_the_opening_and_are_limited_as_early_ones(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.limit(per_user=2)
        rules = backend.open_limited(campaign_id, 1, MEMBERS)
        refused = Screening(rules, is_refused=True)
        expected = ["REFUSED", "REFUSED", "TOO_MANY_REQUESTS"]
        for now_ms in (NOW_MS - 1_000, NOW_MS):
            backend.set_clock(now_ms)
            assert self.outcomes(backend, campaign_id, "111", refused) == expected
        assert self.outcomes(backend, campaign_id, "2", Screening(rules)) == ["ACCEPTED"]
        assert self.outcomes(backend, campaign_id, "3", refused) == ["SOLD_OUT"]


class TestOnTheFake(CampaignLimitsContract):
    @pytest.fixture
    def backend(self) -> FakeBackend:
        return FakeBackend()


class TestOnValkey(CampaignLimitsContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyBackend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as made:
            yield made
