"""Screening: checks applicants against the rules of their campaigns, for apply.

The rules need the token's claims and a secret, which Redis does not have; the admission is decided
in Redis alone. So each application says which rules were checked, and the script compares them with
those that hold. A process learns the rules of a campaign from the script's reply to the first
applicant, and asks once more; afterwards they cost no round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from handlers.domain import metrics
from handlers.domain.admission import UNSCREENED, Admission, Applicant, Outcome, Screening
from handlers.domain.errors import NotEligibleError, ServiceError, UnavailableError
from handlers.domain.metric import COUNTING
from handlers.domain.refusal_counts import REFUSALS
from handlers.domain.rules import CAMPAIGNS_MAX, KnownRules, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from handlers.domain.challenge import Challenges
    from handlers.domain.pseudonyms import Pseudonyms

# Learn that there are erased users, learn the rules, apply both, and once more where the campaign
# was replaced in between.
ROUNDS_MAX = 4
SCREENED = frozenset({Outcome.REFUSED, Outcome.RULES, Outcome.PSEUDONYM})


class Claimant(Protocol):
    """Whose token was verified."""

    @property
    def claims(self) -> Mapping[str, object]:
        """All claims of the token, read when they are asked for."""


class Screened(Protocol):
    """An application, as far as it is checked here.

    user: whose token has the claims. solution: the header Challenge-Solution, "" without one.
    refusal: why the applicant does not fulfil the rules that `applicant.screening` names.
    """

    applicant: Applicant
    user: Claimant | None
    solution: str
    refusal: Exception | None


class Decisions(Protocol):
    """What decides about applicants whose rules were checked."""

    def admit_all(self, applicants: Sequence[Applicant]) -> list[Admission | UnavailableError]:
        """Return the decision about each, or why there is none."""


class Screener:
    """The check of applicants; shared by all threads."""

    def __init__(
        self,
        admissions: Callable[[], Decisions],
        challenges: Callable[[], Challenges],
        pseudonyms: Callable[[], Pseudonyms],
    ) -> None:
        """`challenges` may raise where the settings have no secret for them."""
        self._admissions = admissions
        self._challenges = challenges
        self._pseudonyms = pseudonyms
        self.known = KnownRules()
        self.with_erased_users: frozenset[str] = frozenset()

    def decide(self, applications: Sequence[Screened]) -> list[Admission | Exception]:
        """Return Redis's decision about each, or the error that the applicant gets in its place.

        One round trip; one more where this process does not know the rules of a campaign.
        """
        if not self.known.is_empty:
            for application in applications:
                if rules := self.known.get(application.applicant.campaign_id):
                    self._screen(application, rules)
        if self.with_erased_users:
            for application in applications:
                if application.applicant.campaign_id in self.with_erased_users:
                    self._name(application)
        replies, unaware = self._ask(applications)
        for _ in range(1, ROUNDS_MAX):
            if not unaware:
                break
            again, still = self._ask([applications[index] for index in unaware])
            for index, reply in zip(unaware, again, strict=True):
                replies[index] = reply
            unaware = [unaware[index] for index in still]
        _count(replies)
        return replies

    def _ask(
        self, applications: Sequence[Screened]
    ) -> tuple[list[Admission | Exception], list[int]]:
        """Return the reply to each, and the indexes of those to ask about again."""
        applicants = [application.applicant for application in applications]
        replies: list[Admission | Exception] = [*self._admissions().admit_all(applicants)]
        screened = [
            (index, reply)
            for index, reply in enumerate(replies)
            if isinstance(reply, Admission) and reply.outcome in SCREENED
        ]
        unaware: list[int] = []
        for index, reply in screened:
            application = applications[index]
            replies[index] = application.refusal or UnavailableError()
            if reply.outcome is Outcome.REFUSED:
                REFUSALS.count_error(application.applicant.campaign_id, replies[index])
                continue
            try:
                self._learn(application, reply)
            except UnavailableError as error:
                replies[index] = error
            else:
                replies[index] = UnavailableError()  # unless it is asked again
                unaware.append(index)
        return replies, unaware

    def _learn(self, application: Screened, reply: Admission) -> None:
        """Check an applicant against rules that were just read, or send the pseudonym."""
        if reply.outcome is Outcome.PSEUDONYM:
            self._learn_of_erased_users(application)
            return
        rules = Rules.parse(reply.rules)
        self.known.keep(application.applicant.campaign_id, rules)
        self._screen(application, rules)

    def _learn_of_erased_users(self, application: Screened) -> None:
        """Send the pseudonyms of this campaign's applicants from now on."""
        known = self.with_erased_users
        known = known if len(known) < CAMPAIGNS_MAX else frozenset()
        self.with_erased_users = known | {application.applicant.campaign_id}
        self._name(application)

    def _name(self, application: Screened) -> None:
        campaign_id, user_id, *_ = application.applicant
        pseudonym = self._pseudonyms().of(campaign_id, user_id)
        application.applicant = application.applicant._replace(pseudonym=pseudonym)

    def _screen(self, application: Screened, rules: Rules) -> None:
        """Note which rules were checked, and why the applicant does not fulfil them."""
        application.refusal = None
        try:
            self._check(application, rules)
        except Exception as error:  # noqa: BLE001 - apply turns it into a response
            application.refusal = error
        is_refused = application.refusal is not None
        screening = Screening(rules.text, is_refused) if rules.text else UNSCREENED
        application.applicant = application.applicant._replace(screening=screening)

    def _check(self, application: Screened, rules: Rules) -> None:
        campaign_id, user_id, *_ = application.applicant
        if rules.eligibility:
            claims = application.user.claims if application.user else {}
            if not rules.eligibility.permits(claims):
                raise NotEligibleError
        if rules.challenge:
            self._challenges().check(application.solution, campaign_id, user_id)


def _count(replies: Sequence[Admission | Exception]) -> None:
    for reply in replies if COUNTING.is_on else ():
        outcome = reply.outcome if isinstance(reply, Admission) else _code_of(reply)
        metrics.ADMISSIONS.inc((str(outcome),))


def _code_of(error: Exception) -> str:
    """Return the code that the client sees."""
    return error.code if isinstance(error, ServiceError) else "INTERNAL"
