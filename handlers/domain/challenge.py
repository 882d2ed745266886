"""Challenges: a little work, which a person's browser does once and a program a thousand times.

The format is that of ALTCHA with salt, number and SHA-256 (https://altcha.org, the first version of
its protocol): find the number whose hash behind the salt is `challenge`. The
service keeps nothing: the signature's key is made of the secret, the campaign and the user, so a
solution counts for these two only. A solution that is sent again gains nothing, since a user gets
one coupon of a campaign.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any, Protocol

from handlers.domain.errors import ChallengeFailedError, ChallengeRequiredError
from handlers.domain.rules import DIFFICULTY_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALGORITHM = "SHA-256"
# Long enough to solve one while waiting for an opening; a program cannot work ahead for hours.
VALID_S = 900
SALT_BYTES = 12
# The & ends the salt. Without it a digit could move from the time to the number: the hash of both
# would stay the same, and an old solution would be good for ever (ALTCHA's advisory of 2025).
SALT = re.compile(r"[0-9a-f]{24}\?expires=([1-9][0-9]{0,11})&", re.ASCII)
# That of the widget has some 350 characters.
SOLUTION_LENGTH_MAX = 2048
# The secret makes other keys, and signs nothing itself.
PURPOSE = b"seonchak challenge v1"


class ChallengeSecret(Protocol):
    """A secret that may be rotated while the service runs."""

    def current(self) -> str:
        """Return the secret."""

    def previous(self, good_for_s: float) -> str | None:
        """Return the secret before the last rotation, if that was less than `good_for_s` ago."""

    def renew(self) -> bool:
        """Look for a new secret, not too often; return whether there is one."""


class FixedSecret:
    """A secret from the settings."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def current(self) -> str:
        """Return the secret."""
        return self._secret

    def previous(self, good_for_s: float) -> str | None:  # noqa: ARG002 - of the protocol
        """Return None: there is one secret."""
        return None

    def renew(self) -> bool:
        """Return False: it does not change."""
        return False


class Challenges:
    """Issues challenges and checks solutions, without a server."""

    def __init__(self, secret: ChallengeSecret, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, campaign_id: str, user_id: str, max_number: int) -> dict[str, Any]:
        """Return a new challenge in ALTCHA's form, good for VALID_S."""
        salt = f"{secrets.token_hex(SALT_BYTES)}?expires={int(self._clock()) + VALID_S}&"
        challenge = _hash(salt, secrets.randbelow(max_number + 1))
        return {
            "algorithm": ALGORITHM,
            "challenge": challenge,
            "maxnumber": max_number,
            "salt": salt,
            "signature": _signature(self._secret.current(), campaign_id, user_id, challenge),
        }

    def check(self, solution: str, campaign_id: str, user_id: str) -> None:
        """Return for a right solution of a challenge of this user and campaign.

        solution: base64 of a JSON object. Raises ChallengeRequiredError where it is empty, and
        ChallengeFailedError that names what is wrong.
        """
        if not solution:
            raise ChallengeRequiredError
        fields = _decoded(solution)
        if fields.get("algorithm") != ALGORITHM:
            message = f"algorithm: must be {ALGORITHM}"
            raise ChallengeFailedError(message)
        salt, number = fields.get("salt"), fields.get("number")
        found = SALT.fullmatch(salt) if isinstance(salt, str) else None
        if not isinstance(salt, str) or found is None:
            message = "salt: is none of this service"
            raise ChallengeFailedError(message)
        if type(number) is not int or not 0 <= number <= DIFFICULTY_MAX:  # true is an int, too
            message = f"number: must be a whole number from 0 to {DIFFICULTY_MAX}"
            raise ChallengeFailedError(message)
        challenge = _hash(salt, number)
        if fields.get("challenge") != challenge:
            message = "number: does not solve the challenge with this salt"
            raise ChallengeFailedError(message)
        if not self._has_signed(fields.get("signature"), campaign_id, user_id, challenge):
            message = "signature: is not for this challenge of this user and campaign"
            raise ChallengeFailedError(message)
        if int(found[1]) <= self._clock():
            message = "expires: the challenge is too old; fetch another one"
            raise ChallengeFailedError(message)

    def _has_signed(
        self, signature: object, campaign_id: str, user_id: str, challenge: str
    ) -> bool:
        if not isinstance(signature, str):
            return False
        given = signature.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(
                _signature(secret, campaign_id, user_id, challenge).encode("ascii"), given
            )
            for secret in self._candidates()
        )

    def _candidates(self) -> Iterator[str]:
        """Yield the secrets that may have signed: another process may know of a rotation first."""
        yield self._secret.current()
        if (previous := self._secret.previous(VALID_S)) is not None:
            yield previous
        if self._secret.renew():
            yield self._secret.current()


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode("ascii")).hexdigest()


def _signature(secret: str, campaign_id: str, user_id: str, challenge: str) -> str:
    # Neither id contains a NUL, so two pairs never make one text.
    owner = b"\0".join((PURPOSE, campaign_id.encode(), user_id.encode()))
    key = hmac.digest(secret.encode(), owner, "sha256")
    return hmac.digest(key, challenge.encode("ascii"), "sha256").hex()


def _decoded(solution: str) -> dict[str, Any]:
    if len(solution) > SOLUTION_LENGTH_MAX:
        raise ChallengeFailedError(NO_SOLUTION)
    try:
        fields = json.loads(base64.b64decode(solution, validate=True))
    except (ValueError, RecursionError) as error:
        raise ChallengeFailedError(NO_SOLUTION) from error
    if isinstance(fields, dict):
        return fields
    raise ChallengeFailedError(NO_SOLUTION)


NO_SOLUTION = (
    "the solution must be base64 of a JSON object with algorithm, challenge, number, salt and "
    f"signature, in at most {SOLUTION_LENGTH_MAX} characters"
)
