"""Admissions: one script in Redis decides which applicants get a coupon."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.adapters.redis.settling import no_pseudonyms, settle
from handlers.domain.admission import UNLIMITED, Admission, Applicant, Outcome, RateLimits
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError
from handlers.domain.rejection_cache import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from handlers.adapters.redis.scripts import Call
    from handlers.domain.pseudonyms import Pseudonyms
    from handlers.domain.settlement import Settlement

ADMIT = Script("admission/admit")
WINNERS_IF_CLOSED = Script("admission/winners_if_closed")
CONFIRM = Script("admission/confirm")
OVERDUE = Script("admission/overdue")
REASSIGN = Script("admission/reassign")

# 1,000 take several milliseconds.
APPLICANTS_MAX = 128

# A replica acknowledges within milliseconds. One that is frozen delays a batch by so much, and then
# no other one for a while: MySQL takes the coupons at once.
WAIT_MS_MAX = 100
# With less time left no replica is asked: its silence would show nothing about it.
WAIT_MS_MIN = 10
NO_DEADLINE = float("inf")

# Where a page of overdue admissions begins: behind the entry of this score and this user.
PageStart = tuple[str | bytes, str | bytes]
OLDEST: PageStart = ("", "")

OUTCOMES = {outcome.encode(): outcome for outcome in Outcome}
WAITING = frozenset({Outcome.NOT_OPEN, Outcome.NEXT_RELEASE, Outcome.PAUSED})
WITHOUT_SERIAL = WAITING | {Outcome.TOO_MANY_REQUESTS, Outcome.RULES}


class OverduePage(NamedTuple):
    """Admissions to send again, and where the next page begins; None after the last one."""

    coupons: list[CouponAccepted]
    next_start: PageStart | None


class Admissions:
    """Gives serials, and records which of them are written to MySQL."""

    def __init__(
        self,
        scripts: Scripts,
        limits: RateLimits = UNLIMITED,
        pseudonyms: Callable[[], Pseudonyms] = no_pseudonyms,
    ) -> None:
        """pseudonyms: asked for once a campaign has erased users."""
        self._scripts = scripts
        self._pseudonyms = pseudonyms
        self._limits = (limits.per_user, limits.per_address)

    def admit_all(self, applicants: Sequence[Applicant]) -> list[Admission | UnavailableError]:
        """Decide about each in one round trip (with two more only for NOT_FOUND), in their order.

        An error means that the reply for this applicant is missing. Redis may have admitted the
        user; the next attempt then returns ALREADY_APPLIED with the serial.
        """
        groups = _groups(applicants)
        calls = [self._admission([applicants[index] for index in group]) for group in groups]
        replies = self._scripts.run_all(ADMIT, calls)
        missing = [index for index, reply in enumerate(replies) if _is_missing(reply)]
        if missing:
            ids = [applicants[groups[index][0]].campaign_id for index in missing]
            again = self._again(ids, [calls[index] for index in missing])
            for index, reply in zip(missing, again, strict=True):
                replies[index] = reply
        if len(groups) == 1:
            return _decisions(replies[0], len(applicants))
        decided: dict[int, Admission | UnavailableError] = {}
        for group, reply in zip(groups, replies, strict=True):
            decided |= zip(group, _decisions(reply, len(group)), strict=True)
        return [decided[index] for index in range(len(applicants))]

    def _admission(self, applicants: Sequence[Applicant]) -> Call:
        campaign_id, _, _, (rules, is_refused), pseudonym = applicants[0]
        keys = CampaignKeys.of(campaign_id)
        flags = "1" if is_refused else "", "1" if pseudonym else ""
        args = [self._scripts.checks_epoch, *self._limits, rules, *flags]
        for applicant in applicants:
            args += applicant[1:3]
            if pseudonym:
                args.append(applicant.pseudonym)
        return (*keys.all(), keys.rate), args

    def _again(self, campaign_ids: Sequence[str], calls: Sequence[Call]) -> list[Any]:
        """Decide again: NOT_FOUND is certain only for a campaign that Redis has not lost."""
        ids = list(dict.fromkeys(campaign_ids))
        reasons = dict(zip(ids, self._scripts.why_missing(ids), strict=True))
        replies: list[Any] = [reasons[campaign_id] for campaign_id in campaign_ids]
        asked = [index for index, reply in enumerate(replies) if reply is None]
        decided = self._scripts.run_all(ADMIT, [calls[index] for index in asked])
        for index, reply in zip(asked, decided, strict=True):
            replies[index] = reply
        return replies

    def rejection(self, campaign_id: str, winners_max: int) -> Rejection | None:
        """Return how a campaign rejects all but its winners; None where it may admit a user.

        Also None where it has more than `winners_max` winners, or is not sure of them.
        """
        keys = CampaignKeys.of(campaign_id)
        code, *winners = self._scripts.run(
            WINNERS_IF_CLOSED,
            [keys.campaign, keys.applied_user, keys.coupon_count, keys.returned],
            self._scripts.checks_epoch,
            winners_max,
        )
        if code == b"OPEN":
            return None
        return Rejection(
            Admission(Outcome(code.decode())), frozenset(user.decode() for user in winners)
        )

    def confirm_all(
        self, admitted: Sequence[CouponAccepted], deadline: float = NO_DEADLINE
    ) -> list[bool]:
        """Return for each whether Redis is still in the history that admitted it.

        What Kafka has acknowledged before this, a later rebuild finds in the topic. Also False
        where Redis does not respond, or too few replicas confirm it. One round trip.

        deadline: time.monotonic() until which replicas are waited for.
        """
        writes = "1" if self._scripts.confirming_replicas else ""
        histories = [(one.campaign_id, one.fence) for one in admitted]
        asked = list(dict.fromkeys(histories))
        calls: list[Call] = [
            ((CampaignKeys.of(campaign_id).campaign,), (self._scripts.checks_epoch, fence, writes))
            for campaign_id, fence in asked
        ]
        replies = self._confirmed(calls, deadline)
        current = {one for one, reply in zip(asked, replies, strict=True) if reply == 1}
        return [one in current for one in histories]

    def _confirmed(self, calls: list[Call], deadline: float) -> list[Any]:
        replicas = self._scripts.confirming_replicas
        if not replicas:
            return self._scripts.run_all(CONFIRM, calls)
        wait_ms = int(min(WAIT_MS_MAX, (deadline - time.monotonic()) * 1000))
        if wait_ms < WAIT_MS_MIN:
            return [0] * len(calls)
        # Behind the script's write: what a replica acknowledged before it was cut off counts not.
        return self._scripts.run_all(CONFIRM, calls, ("WAIT", replicas, wait_ms))

    def overdue(
        self, campaign_id: str, older_than_ms: int, start: PageStart, limit: int
    ) -> OverduePage:
        """Take a page of admissions that are pending for longer than `older_than_ms`, oldest first.

        Looks at `limit` of them and leaves out those that were taken less than `older_than_ms` ago.
        Empty for a stale campaign: it must be rebuilt first.
        """
        keys = CampaignKeys.of(campaign_id)
        code, *found = self._scripts.run(
            OVERDUE,
            [keys.campaign, keys.applied_user, keys.pending, keys.resent],
            self._scripts.checks_epoch,
            older_than_ms,
            *start,
            limit,
        )
        if code != b"OK":
            return OverduePage([], None)
        fence, score, last_user, *found = found
        triples = zip(found[::3], found[1::3], found[2::3], strict=True)
        coupons = [
            CouponAccepted(campaign_id, user.decode(), serial, admitted_at_ms, fence)
            for user, serial, admitted_at_ms in triples
        ]
        return OverduePage(coupons, (score, last_user) if score else None)

    def put_back(self, campaign_id: str, overdue: Sequence[CouponAccepted]) -> None:
        """Let the next run of the relay take these again: they were not sent."""
        key = CampaignKeys.of(campaign_id).resent
        self._scripts.command("ZREM", key, *(coupon.user_id for coupon in overdue))

    def reassign(self, coupon: CouponAccepted) -> CouponAccepted | None:
        """Return a coupon for a user whose own belongs to another user; None when none is left.

        Another call with the same coupon returns the same serial. Raises UnavailableError while
        Redis is not sure, CampaignNotFoundError when it has no such campaign.
        """
        keys = CampaignKeys.of(coupon.campaign_id).all()
        args = coupon.user_id, coupon.serial, self._scripts.checks_epoch
        code, serial, fence = self._scripts.run(REASSIGN, keys, *args)
        if code == b"STALE":
            raise StaleStateError
        if code == b"NOT_FOUND":
            raise CampaignNotFoundError
        return coupon._replace(serial=serial, fence=fence) if code == b"ASSIGNED" else None

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Report to Redis what MySQL has stored; may be repeated.

        Raises UnavailableError when Redis did not take all of it.
        """
        settle(self._scripts, self._pseudonyms, settlements)


def _groups(applicants: Sequence[Applicant]) -> list[list[int]]:
    """Return the indexes of the applicants whom one call of the script decides about.

    They are of one campaign and one screening, all with pseudonyms or all without, and no more than
    APPLICANTS_MAX.
    """
    groups: list[list[int]] = []
    open_groups: dict[object, list[int]] = {}
    for index, (campaign_id, _, _, screening, pseudonym) in enumerate(applicants):
        of: object = (campaign_id, screening) if screening.rules else campaign_id
        if pseudonym:
            of = (of, True)
        group = open_groups.get(of)
        if group is None or len(group) == APPLICANTS_MAX:
            group = open_groups[of] = []
            groups.append(group)
        group.append(index)
    return groups


def _is_missing(reply: Any) -> bool:
    return isinstance(reply, list) and reply[0][0] == b"NOT_FOUND"


def _decisions(reply: Any, count: int) -> list[Admission | UnavailableError]:
    """Return what one call of the script decided about `count` applicants, in their order."""
    if isinstance(reply, StaleStateError):
        return [Admission(Outcome.STALE)] * count
    if isinstance(reply, UnavailableError):
        return [reply] * count
    return [_decision(*one) for one in reply]


def _decision(code: bytes, number: Any, admitted_at_ms: int = 0, fence: int = 0) -> Admission:
    outcome = OUTCOMES[code]
    if outcome in WITHOUT_SERIAL:
        if outcome is Outcome.RULES:
            return Admission(outcome, rules=number.decode())
        return Admission(outcome, retry_in_ms=number)
    return Admission(outcome, number, admitted_at_ms, fence)
