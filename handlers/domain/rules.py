"""The rules of a campaign: what it asks of an applicant besides being in time.

They are set with the campaign and never change. MySQL and Redis hold them as one text, so that a
comparison of two texts says whether a process knows the rules that hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handlers.domain.errors import InvalidRequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | int | float | bool

CLAIM_LENGTH_MAX = 128  # a claim may be a URL
TEXT_LENGTH_MAX = 256
# Every JSON parser reads whole numbers up to here exactly (RFC 8259, section 6).
NUMBER_MAX = 2**53 - 1
# Below this a challenge costs a program nothing; above it an old phone works for minutes.
DIFFICULTY_MIN, DIFFICULTY_MAX = 1_000, 10_000_000
TEXTS_CACHED = 256
# Small entries. With more campaigns that have rules at once, some are read from Redis again.
CAMPAIGNS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The applicant's token has this claim with this value, or with a list that contains it."""

    claim: str
    equals: Value

    def permits(self, claims: Mapping[str, object]) -> bool:
        """Return whether the claims of a verified token fulfil this."""
        found = claims.get(self.claim)
        return any(self._is_it(one) for one in (found if isinstance(found, list) else [found]))

    def _is_it(self, value: object) -> bool:
        # For Python true is 1; in JSON they are two values.
        return isinstance(value, bool) is isinstance(self.equals, bool) and value == self.equals


@dataclass(frozen=True, slots=True)
class ChallengeRule:
    """The applicant's browser finds a number from 0 to `max_number` (handlers/domain/challenge.py).

    The work is `max_number` / 2 hashes in the mean.
    """

    max_number: int


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a campaign. Two are equal where their texts are: 1 and true are not."""

    text: str = ""  # JSON in ASCII without blanks, names in order; "" without a rule
    eligibility: Eligibility | None = field(default=None, compare=False)
    challenge: ChallengeRule | None = field(default=None, compare=False)

    @classmethod
    def from_request(cls, body: Mapping[str, object]) -> Rules:
        """Check `eligibility` and `challenge` of a campaign; raise InvalidRequestError."""
        found: dict[str, Any] = {}
        if "eligibility" in body:
            found["eligibility"] = _eligibility(body["eligibility"])
        if "challenge" in body:
            found["challenge"] = _challenge(body["challenge"])
        text = json.dumps(found, separators=(",", ":"), sort_keys=True) if found else ""
        return cls.parse(text)

    @staticmethod
    @lru_cache(TEXTS_CACHED)
    def parse(text: str) -> Rules:
        """Read the text of a store; raise UnavailableError for a rule that is not known here.

        It may be of a newer version, or written by hand. A process that does not know a rule must
        not let a user in.
        """
        if not text:
            return NO_RULES
        try:
            return Rules(text, **{name: KINDS[name](**of) for name, of in json.loads(text).items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = "This campaign has a rule that this version of the service does not know."
            raise UnavailableError(message) from error

    def to_json(self) -> dict[str, Any]:
        """Return the rules in the form of the HTTP interface, without those that are not set."""
        return dict(json.loads(self.text)) if self.text else {}


NO_RULES = Rules()
KINDS: Mapping[str, Any] = {"eligibility": Eligibility, "challenge": ChallengeRule}


class KnownRules:
    """The rules that this process has read, by campaign; shared by all threads.

    They may be old: Redis compares them with those that hold (admit.lua).
    """

    def __init__(self) -> None:
        self._known: dict[str, Rules] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no campaign is known to have rules."""
        return not self._known

    def get(self, campaign_id: str) -> Rules | None:
        """Return the rules of a campaign, None where it has none or they are not known."""
        return self._known.get(campaign_id)

    def keep(self, campaign_id: str, rules: Rules) -> None:
        """Remember rules that were just read."""
        if not rules.text:
            self._known.pop(campaign_id, None)
            return
        if len(self._known) >= CAMPAIGNS_MAX:
            self._known = {}
        self._known[campaign_id] = rules


def _eligibility(value: object) -> dict[str, Any]:
    fields = _object("eligibility", value, {"claim", "equals"})
    claim, equals = fields["claim"], fields["equals"]
    if not _is_text(claim, CLAIM_LENGTH_MAX):
        message = f"eligibility.claim: must be text of 1 to {CLAIM_LENGTH_MAX} characters"
        raise InvalidRequestError(message)
    if not (isinstance(equals, bool) or _is_text(equals, TEXT_LENGTH_MAX) or _is_number(equals)):
        message = (
            f"eligibility.equals: must be text of 1 to {TEXT_LENGTH_MAX} characters, true, false, "
            f"or a number from -{NUMBER_MAX} to {NUMBER_MAX}"
        )
        raise InvalidRequestError(message)
    return fields


def _challenge(value: object) -> dict[str, Any]:
    fields = _object("challenge", value, {"max_number"})
    highest = fields["max_number"]
    # bool is a subclass of int, and true is not a number here.
    is_whole = isinstance(highest, int) and not isinstance(highest, bool)
    if not is_whole or not DIFFICULTY_MIN <= highest <= DIFFICULTY_MAX:
        message = (
            "challenge.max_number: must be a whole number "
            f"from {DIFFICULTY_MIN} to {DIFFICULTY_MAX}"
        )
        raise InvalidRequestError(message)
    return fields


def _object(name: str, value: object, members: set[str]) -> dict[str, Any]:
    if isinstance(value, dict) and value.keys() == members:
        return value
    message = f"{name}: must be an object with {' and '.join(sorted(members))}, and nothing else"
    raise InvalidRequestError(message)


def _is_text(value: object, length_max: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= length_max


def _is_number(value: object) -> bool:
    # JSON may hold a number that Python reads as infinite.
    return isinstance(value, int | float) and -NUMBER_MAX <= value <= NUMBER_MAX
