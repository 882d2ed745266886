"""Where the secret of challenges comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.config import ConfigurationError
from handlers.domain.errors import ChallengeFailedError
from local.solve import solve
from tests.support.secrets_extension import Extension
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wiring.reset()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    wiring.reset()


def test_the_secret_of_challenges_may_come_from_secrets_manager_and_be_rotated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extension = Extension()
    extension.secrets = {("prod/challenge", "AWSCURRENT"): "c" * 32}
    monkeypatch.setenv("CHALLENGE_SECRET", "")
    monkeypatch.setenv("CHALLENGE_SECRET_ID", "prod/challenge")
    with extension.served() as port:
        monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(port))
        solution = solve(wiring.challenges().issue("welcome", "42", 1_000))
        wiring.reset()
        extension.secrets = {
            ("prod/challenge", "AWSCURRENT"): "d" * 32,
            ("prod/challenge", "AWSPREVIOUS"): "c" * 32,
        }
        wiring.challenges().check(solution, "welcome", "42")
        with pytest.raises(ChallengeFailedError):
            wiring.challenges().check(solution, "welcome", "43")


def test_without_a_secret_there_are_no_challenges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHALLENGE_SECRET", "")
    with pytest.raises(ConfigurationError, match="set CHALLENGE_SECRET or CHALLENGE_SECRET_ID"):
        wiring.challenges()
