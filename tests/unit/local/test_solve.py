"""local.solve: solves a challenge, or says why it cannot."""

from __future__ import annotations

import io
import json
import sys

import pytest

from handlers.domain.challenge import Challenges, FixedSecret
from local import solve as program

CHALLENGES = Challenges(FixedSecret("a-secret-of-a-test-that-has-32-bytes"))


def test_the_printed_solution_is_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge = json.dumps(CHALLENGES.issue("welcome", "42", 1_000))
    monkeypatch.setattr(sys, "stdin", io.StringIO(challenge))
    assert program.main([]) == 0
    CHALLENGES.check(capsys.readouterr().out.strip(), "welcome", "42")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError: 'salt'"),
        ('{"salt":"a","challenge":"zz","maxnumber":1}', "ValueError"),
        (
            json.dumps({"salt": "a", "challenge": "00" * 32, "maxnumber": 3}),
            "no number up to maxnumber solves it",
        ),
    ],
)
def test_what_cannot_be_solved_is_named(
    text: str, reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert program.main([]) == 1
    assert reason in capsys.readouterr().err


def test_it_measures_this_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "MEASURED_HASHES", 2_000)
    assert program.main(["--measure"]) == 0
    assert "hashes per second" in capsys.readouterr().out
