"""A campaign with erased users asks for pseudonyms: the same on the fake and on the script."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain.admission import Admission, Applicant
from tests.contract.admissions_backends import Backend, FakeBackend, OpenCampaign, ValkeyBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

PSEUDONYM = "erased-1"


def decided(backend: Backend, *applicants: Applicant) -> list[tuple[str, int, int]]:
    replies = backend.admissions.admit_all(applicants)
    found = [one for one in replies if isinstance(one, Admission)]
    assert len(found) == len(applicants)
    return [(one.outcome.value, one.serial, one.admitted_at_ms) for one in found]


class ErasedUsersContract(OpenCampaign):
    """User 1 was admitted and erased, and is pseudonym erased-1."""

    @pytest.fixture
    def erased(self, backend: Backend, opened: str) -> str:
        """The id of the campaign of three, with one coupon given."""
        [(outcome, *_)] = decided(backend, Applicant(opened, "1"))
        assert outcome == "ACCEPTED"
        backend.rename(opened, "1", PSEUDONYM)
        return opened

    def test_it_decides_about_no_new_applicant_without_a_pseudonym(
        self, backend: Backend, erased: str
    ) -> None:
        before = backend.dump()
        applicants = [Applicant(erased, user) for user in ("1", "2")]
        assert decided(backend, *applicants) == [("PSEUDONYM", 0, 0)] * 2
        assert backend.dump() == before

    def test_the_erased_user_has_applied_and_nothing_of_it_is_pending(
        self, backend: Backend, erased: str
    ) -> None:
        before = backend.dump()
        applicant = Applicant(erased, "1", pseudonym=PSEUDONYM)
        assert decided(backend, applicant) == [("ALREADY_APPLIED", 1, 0)]
        assert backend.dump() == before

    def test_others_are_admitted_under_their_own_ids(self, backend: Backend, erased: str) -> None:
        applicants = [
            Applicant(erased, user, pseudonym=f"erased-{user}") for user in ("2", "1", "3")
        ]
        outcomes = [(outcome, serial) for outcome, serial, _ in decided(backend, *applicants)]
        assert outcomes == [("ACCEPTED", 2), ("ALREADY_APPLIED", 1), ("ACCEPTED", 3)]
        assert set(backend.pending(erased)) == {"2", "3"}

    def test_who_was_admitted_before_is_known_without_one(
        self, backend: Backend, opened: str
    ) -> None:
        decided(backend, Applicant(opened, "1"), Applicant(opened, "2"))
        backend.rename(opened, "1", PSEUDONYM)
        [(outcome, serial, _)] = decided(backend, Applicant(opened, "2"))
        assert (outcome, serial) == ("ALREADY_APPLIED", 2)

    def test_applicants_with_and_without_come_in_one_call(
        self, backend: Backend, erased: str
    ) -> None:
        applicants = [Applicant(erased, "2", pseudonym="erased-2"), Applicant(erased, "3")]
        assert [one[0] for one in decided(backend, *applicants)] == ["ACCEPTED", "PSEUDONYM"]


class TestErasedUsersOfTheFake(ErasedUsersContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return FakeBackend()


class TestErasedUsersInValkey(ErasedUsersContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as made:
            yield made
