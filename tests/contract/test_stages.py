"""Releases, a pause and returned places: the same on the fake and on the script in Valkey."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.domain import times
from handlers.domain.admission import Admission, Outcome
from tests.contract.admissions_backends import Backend, FakeBackend, ValkeyBackend
from tests.support.fakes import NOW_MS
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

SECOND_AT_MS, THIRD_AT_MS = NOW_MS + 1000, NOW_MS + 2500
STAGES = {
    "releases": [
        {"at": times.to_iso(NOW_MS), "quantity": 2},
        {"at": times.to_iso(SECOND_AT_MS), "quantity": 1},
        {"at": times.to_iso(THIRD_AT_MS), "quantity": 2},
    ]
}
SOLD_OUT = Admission(Outcome.SOLD_OUT)
PAUSED = Admission(Outcome.PAUSED, retry_in_ms=5000)


class StagesContract:
    """What keeps an applicant waiting after the opening."""

    @staticmethod
    def admit(backend: Backend, campaign_id: str, users: str) -> list[str]:
        outcomes = [admit_one(backend.admissions, campaign_id, user).outcome for user in users]
        return [outcome.value for outcome in outcomes]

    def test_no_more_are_given_than_are_released_and_the_next_applicant_learns_when(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 5, STAGES)
        backend.set_clock(NOW_MS)
        assert self.admit(backend, campaign_id, "ab") == ["ACCEPTED"] * 2
        waits = Admission(Outcome.NEXT_RELEASE, retry_in_ms=1000)
        assert admit_one(backend.admissions, campaign_id, "c") == waits
        backend.set_clock(SECOND_AT_MS - 1)
        waits = Admission(Outcome.NEXT_RELEASE, retry_in_ms=1)
        assert admit_one(backend.admissions, campaign_id, "c") == waits
        backend.set_clock(SECOND_AT_MS)
        assert self.admit(backend, campaign_id, "cd") == ["ACCEPTED", "NEXT_RELEASE"]
        assert backend.admissions.rejection(campaign_id, 10) is None
        backend.set_clock(THIRD_AT_MS)
        expected = ["ACCEPTED", "ACCEPTED", "SOLD_OUT", "ALREADY_APPLIED"]
        assert self.admit(backend, campaign_id, "defa") == expected
        rejection = backend.admissions.rejection(campaign_id, 10)
        assert rejection is not None
        assert (rejection.admission, rejection.winners) == (SOLD_OUT, frozenset("abcde"))

    def test_what_was_not_taken_of_a_stage_is_there_in_the_next_one(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 5, STAGES)
        backend.set_clock(SECOND_AT_MS)
        assert self.admit(backend, campaign_id, "abcd") == ["ACCEPTED"] * 3 + ["NEXT_RELEASE"]

    def test_a_returned_place_is_given_at_once_whatever_is_released(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 5, STAGES)
        backend.set_clock(NOW_MS)
        assert self.admit(backend, campaign_id, "abc") == ["ACCEPTED"] * 2 + ["NEXT_RELEASE"]
        backend.return_places(campaign_id, 1)
        assert self.admit(backend, campaign_id, "cd") == ["ACCEPTED", "NEXT_RELEASE"]
        assert backend.count(campaign_id) == 3
        backend.set_clock(THIRD_AT_MS)
        assert self.admit(backend, campaign_id, "defg") == ["ACCEPTED"] * 3 + ["SOLD_OUT"]

    def test_who_waits_is_counted_as_an_early_caller_is(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.limit(per_user=2)
        backend.open_limited(campaign_id, 5, STAGES)
        backend.set_clock(NOW_MS)
        assert self.admit(backend, campaign_id, "ab") == ["ACCEPTED"] * 2
        expected = ["NEXT_RELEASE", "NEXT_RELEASE", "TOO_MANY_REQUESTS"]
        assert self.admit(backend, campaign_id, "ccc") == expected

    def test_a_paused_campaign_admits_no_applicant_and_forgets_none(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 2, {})
        backend.set_clock(NOW_MS)
        assert self.admit(backend, campaign_id, "a") == ["ACCEPTED"]
        backend.pause(campaign_id, paused=True)
        before = backend.dump()
        assert admit_one(backend.admissions, campaign_id, "b") == PAUSED
        assert self.admit(backend, campaign_id, "a") == ["ALREADY_APPLIED"]
        assert backend.dump() == before
        assert backend.admissions.rejection(campaign_id, 10) is None
        backend.pause(campaign_id, paused=False)
        assert self.admit(backend, campaign_id, "bc") == ["ACCEPTED", "SOLD_OUT"]

    def test_what_is_final_is_said_also_while_paused(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 1, {})
        backend.pause(campaign_id, paused=True)
        backend.set_clock(NOW_MS - 1)
        assert self.admit(backend, campaign_id, "a") == ["NOT_OPEN"]
        backend.pause(campaign_id, paused=False)
        backend.set_clock(NOW_MS)
        assert self.admit(backend, campaign_id, "a") == ["ACCEPTED"]
        backend.pause(campaign_id, paused=True)
        assert self.admit(backend, campaign_id, "b") == ["SOLD_OUT"]
        backend.set_clock(NOW_MS + 60_000)
        assert self.admit(backend, campaign_id, "b") == ["CLOSED"]

    def test_a_paused_campaign_says_so_before_the_next_release(
        self, backend: Backend, campaign_id: str
    ) -> None:
        backend.open_limited(campaign_id, 5, STAGES)
        backend.set_clock(NOW_MS)
        assert self.admit(backend, campaign_id, "ab") == ["ACCEPTED"] * 2
        backend.pause(campaign_id, paused=True)
        assert admit_one(backend.admissions, campaign_id, "c") == PAUSED


class TestFakeStages(StagesContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return FakeBackend()


class TestValkeyStages(StagesContract):
    @pytest.fixture
    def backend(self, clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
        with closing(ValkeyBackend(clean, monkeypatch)) as backend:
            yield backend
