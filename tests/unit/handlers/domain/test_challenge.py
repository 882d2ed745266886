"""Challenges: whose solution counts, for how long, and what the others read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.domain.challenge import SOLUTION_LENGTH_MAX, VALID_S, Challenges, FixedSecret
from handlers.domain.errors import ChallengeFailedError, ChallengeRequiredError
from local.solve import solve

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "a-secret-of-a-test-that-has-32-bytes"
NOW_S = 1_795_316_400
HARD = 2_000


class Clock:
    def __init__(self) -> None:
        self.now_s = float(NOW_S)

    def __call__(self) -> float:
        return self.now_s


class Rotating:
    """Secrets as they are rotated; `next` is what another process knows already."""

    def __init__(self, current: str, previous: str | None = None, following: str = "") -> None:
        self._current, self._previous, self._following = current, previous, following

    def current(self) -> str:
        return self._current

    def previous(self, good_for_s: float) -> str | None:
        assert good_for_s == 900
        return self._previous

    def renew(self) -> bool:
        self._current, self._following = self._following or self._current, ""
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def challenges(clock: Clock) -> Challenges:
    return Challenges(FixedSecret(SECRET), clock)


@pytest.fixture
def solved(challenges: Challenges) -> dict[str, Any]:
    """The fields of the right solution of user 42 in the campaign `welcome`."""
    solution = solve(challenges.issue("welcome", "42", HARD))
    fields: dict[str, Any] = json.loads(base64.b64decode(solution))
    return fields


def packed(fields: Mapping[str, Any] | list[Any]) -> str:
    return base64.b64encode(json.dumps(fields).encode()).decode()


def failure(challenges: Challenges, solution: str, campaign: str = "welcome") -> str:
    with pytest.raises(ChallengeFailedError) as failed:
        challenges.check(solution, campaign, "42")
    return str(failed.value)


def test_a_challenge_has_altchas_fields_and_its_number_solves_it(challenges: Challenges) -> None:
    challenge = challenges.issue("welcome", "42", HARD)
    assert challenge.keys() == {"algorithm", "challenge", "maxnumber", "salt", "signature"}
    assert (challenge["algorithm"], challenge["maxnumber"]) == ("SHA-256", HARD)
    salt = challenge["salt"]
    assert salt.endswith(f"?expires={NOW_S + VALID_S}&")
    number = json.loads(base64.b64decode(solve(challenge)))["number"]
    assert hashlib.sha256(f"{salt}{number}".encode()).hexdigest() == challenge["challenge"]
    assert 0 <= number <= HARD


def test_the_right_solution_counts_also_again_and_with_fields_of_the_widget(
    challenges: Challenges, solved: dict[str, Any]
) -> None:
    for fields in (solved, solved, solved | {"took": 812, "worker": True}):
        challenges.check(packed(fields), "welcome", "42")


def test_no_two_challenges_are_alike(challenges: Challenges) -> None:
    salts = {challenges.issue("welcome", "42", HARD)["salt"] for _ in range(50)}
    assert len(salts) == 50


def test_numbers_come_from_the_whole_range(challenges: Challenges) -> None:
    solutions = [solve(challenges.issue("welcome", "42", 1)) for _ in range(64)]
    assert {json.loads(base64.b64decode(one))["number"] for one in solutions} == {0, 1}


def test_without_a_solution_the_client_is_asked_for_one(challenges: Challenges) -> None:
    with pytest.raises(ChallengeRequiredError, match="Challenge-Solution"):
        challenges.check("", "welcome", "42")


def test_it_counts_for_its_user_and_its_campaign_only(
    challenges: Challenges, solved: dict[str, Any]
) -> None:
    assert failure(challenges, packed(solved), "other").startswith("signature:")
    with pytest.raises(ChallengeFailedError, match="signature: is not for this challenge of this"):
        challenges.check(packed(solved), "welcome", "43")


def test_no_user_and_campaign_share_a_key_with_another_pair(challenges: Challenges) -> None:
    fields = json.loads(base64.b64decode(solve(challenges.issue("ab", "c", HARD))))
    with pytest.raises(ChallengeFailedError, match="signature:"):
        challenges.check(packed(fields), "a", "bc")


def test_it_counts_until_it_expires(
    challenges: Challenges, solved: dict[str, Any], clock: Clock
) -> None:
    clock.now_s = NOW_S + VALID_S - 0.001
    challenges.check(packed(solved), "welcome", "42")
    clock.now_s = NOW_S + VALID_S
    assert failure(challenges, packed(solved)).startswith("expires: the challenge is too old")


def test_digits_cannot_move_between_the_time_and_the_number(
    challenges: Challenges, solved: dict[str, Any], clock: Clock
) -> None:
    clock.now_s = NOW_S + 10 * VALID_S
    salt, number = solved["salt"], solved["number"]
    for later in (
        salt.replace("&", f"{str(number)[0]}&"),
        salt.rstrip("&"),
        f"{salt}9&",
        f"{salt}1",
    ):
        assert failure(challenges, packed(solved | {"salt": later})).startswith(
            ("salt:", "number:")
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"algorithm": "SHA-1"}, "algorithm: must be SHA-256"),
        ({"algorithm": None}, "algorithm:"),
        ({"salt": "0" * 24 + "?expires=99999999999&"}, "number: does not solve"),
        ({"salt": "쿠폰?expires=1&"}, "salt: is none of this service"),
        ({"salt": 5}, "salt:"),
        ({"salt": None}, "salt:"),
        ({"number": -1}, "number: must be a whole number"),
        ({"number": 10**7 + 1}, "number: must be a whole number"),
        ({"number": 10**400}, "number: must be a whole number"),
        ({"number": True}, "number: must be a whole number"),
        ({"number": "7"}, "number: must be a whole number"),
        ({"number": 1.5}, "number: must be a whole number"),
        ({"challenge": "0" * 64}, "number: does not solve"),
        ({"challenge": None}, "number: does not solve"),
        ({"signature": "0" * 64}, "signature:"),
        ({"signature": "쿠폰\ud800"}, "signature:"),
        ({"signature": None}, "signature:"),
    ],
)
def test_a_changed_solution_fails_and_the_answer_names_what(
    challenges: Challenges, solved: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    assert failure(challenges, packed(solved | change)).startswith(message)


def test_another_number_fails(challenges: Challenges, solved: dict[str, Any]) -> None:
    other = solved | {"number": solved["number"] + 1}
    assert failure(challenges, packed(other)).startswith("number: does not solve")


def test_a_challenge_of_ones_own_fails_however_easy(challenges: Challenges) -> None:
    salt = f"{'0' * 24}?expires={NOW_S + 60}&"
    easy = hashlib.sha256(f"{salt}0".encode()).hexdigest()
    signature = hmac.digest(b"guessed", easy.encode(), "sha256").hex()
    fields = {"algorithm": "SHA-256", "salt": salt, "number": 0, "challenge": easy}
    assert failure(challenges, packed(fields | {"signature": signature})).startswith("signature:")


@pytest.mark.parametrize(
    "solution",
    [
        "%%%",
        "쿠폰",
        "abc",
        packed([1]),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 1_000).decode(),
        packed({"salt": "x" * SOLUTION_LENGTH_MAX}),
    ],
)
def test_what_is_no_solution_at_all_fails(challenges: Challenges, solution: str) -> None:
    assert failure(challenges, solution).startswith("the solution must be base64 of a JSON object")


def test_a_secret_may_be_rotated_while_people_solve(clock: Clock) -> None:
    old, new = "old-secret", "new-secret"
    by_old = solve(Challenges(FixedSecret(old), clock).issue("welcome", "42", HARD))
    by_new = solve(Challenges(FixedSecret(new), clock).issue("welcome", "42", HARD))
    Challenges(Rotating(new, previous=old), clock).check(by_old, "welcome", "42")
    Challenges(Rotating(old, following=new), clock).check(by_new, "welcome", "42")
    with pytest.raises(ChallengeFailedError, match="signature:"):
        Challenges(Rotating(new), clock).check(by_old, "welcome", "42")
