"""Erases a user everywhere: coupons stay, and belong to a pseudonym.

For each campaign in turn: what is on its way to MySQL is written; MySQL's rows get the pseudonym,
in one transaction; then Redis does, in one script. MySQL goes first, so a record that comes again
finds the pseudonym's row. A process may be killed after each step: the same call goes on, and so
does the completion of the scheduler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from handlers import log, operations, privacy_clients, wiring
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import ErasureWaitsError, ServiceError, UnavailableError
from handlers.domain.pseudonyms import Renamed
from handlers.domain.record import FailedStatus
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handlers.adapters.redis.erasures import Trace
    from handlers.domain.campaign import Campaign

# A user who applies all the while is met again each time.
ROUNDS_MAX = 5


class ErasedUser(NamedTuple):
    """In how many campaigns the call found the user, and how many nameless records it erased."""

    campaigns: int
    records: int


def erase_user(user_id: str, actor: str) -> ErasedUser:
    """Erase a user in the name of `actor`; may be repeated. Afterwards no store has the id.

    Raises ErasureWaitsError while a record of the user is to be written, UnavailableError where a
    server gives no answer or a campaign is being rebuilt: what was done until then stays done.
    """
    records = privacy_clients.mysql_erasures().erase_nameless(user_id)
    campaigns = sorted(_campaigns_of(user_id))
    for campaign_id in campaigns:
        erase_in(campaign_id, user_id, actor)
    return ErasedUser(len(campaigns), records)


def erase_in(campaign_id: str, user_id: str, actor: str) -> None:
    """Erase a user in one campaign; raise as above."""
    redis, mysql = privacy_clients.redis_erasures(), privacy_clients.mysql_erasures()
    pseudonym = wiring.pseudonyms().of(campaign_id, user_id)
    for _ in range(ROUNDS_MAX):
        trace = redis.find(campaign_id, user_id)
        if trace:
            _write_pending(campaign_id, user_id, trace)
        is_held = bool(trace and trace.serial)
        fence = trace.fence if trace else None
        try:
            erased = mysql.erase(campaign_id, user_id, fence, actor, is_held=is_held)
        except ErasureWaitsError as error:
            if not _redriven(error.waiting):
                raise
            continue
        if trace is None:
            return
        # Without a row: a record that was given up, or one that a reconciliation sends again.
        serial = erased.serial or trace.serial
        renamed = Renamed(user_id, trace.serial, pseudonym, serial)
        if not redis.erase(campaign_id, erased.erased_users, [renamed]):
            return
    message = f"the user applies to {campaign_id} again and again; ask again later"
    raise UnavailableError(message)


def complete(campaign: Campaign) -> None:
    """Let Redis have the pseudonyms that MySQL has; log where that is not possible now."""
    fields, redis = {"campaign_id": campaign.id}, privacy_clients.redis_erasures()
    try:
        for page in redis.members(campaign.id):
            _complete(campaign, dict(page))
        redis.erase(campaign.id, campaign.erased_users, [], is_all=True)
    except ServiceError:
        log.exception("erasure not completed", fields)
    else:
        log.info("erasure completed", fields)


def not_erased(campaign: Campaign, coupons: list[CouponAccepted]) -> list[CouponAccepted]:
    """Leave out the users who were erased: MySQL has their admissions under pseudonyms."""
    if not campaign.erased_users or not coupons:
        return coupons
    pseudonyms = wiring.pseudonyms()
    names = [pseudonyms.of(campaign.id, coupon.user_id) for coupon in coupons]
    known = operations.coupon_reader().lookup_users(campaign.id, names)
    return [coupon for coupon, one in zip(coupons, known, strict=True) if one.is_unknown]


def _campaigns_of(user_id: str) -> set[str]:
    """Return the campaigns of which a server has the id; raise where one cannot be sure."""
    found = set(privacy_clients.mysql_erasures().campaigns_of(user_id))
    ids = [campaign.id for campaign in wiring.mysql_queries().campaigns()]
    for campaign_id, trace in privacy_clients.redis_erasures().find_all(ids, user_id).items():
        if isinstance(trace, UnavailableError):
            message = f"campaign {campaign_id}: {trace}"
            raise UnavailableError(message) from trace
        if trace and trace.is_known:
            found.add(campaign_id)
    return found


def _write_pending(campaign_id: str, user_id: str, trace: Trace) -> None:
    """Write the row of an admission that may only be on its way."""
    if trace.pending_since_ms is None or not trace.serial:
        return
    since_ms, fence = trace.pending_since_ms, trace.fence
    coupon = CouponAccepted(campaign_id, user_id, trace.serial, since_ms, fence)
    if coupon not in wiring.ledger().write_direct([coupon]):
        message = f"the user's admission to {campaign_id} is on its way to MySQL; ask again"
        raise UnavailableError(message)
    # Not the row's owner any more: a repeated call finds the pseudonym's row and settles nothing.
    settlement = Settlement(campaign_id, user_id, trace.serial, SettledAs.COUPON)
    wiring.admissions().settle([settlement])


def _redriven(waiting: Iterable[int]) -> bool:
    """Write failed events again now; return whether one of them is not waiting any more."""
    queue, changed = wiring.failed_event_queue(), False
    for number in waiting:
        done = queue.redrive(FailedStatus.PENDING, now=True, after=number - 1, limit=1)
        if done.last_id == number:
            changed = changed or not done.retried
            wiring.admissions().settle(done.settlements)
    return changed


def _complete(campaign: Campaign, serials: dict[str, int]) -> None:
    pseudonyms = wiring.pseudonyms()
    users = list(serials)
    names = [pseudonyms.of(campaign.id, user) for user in users]
    known = operations.coupon_reader().lookup_users(campaign.id, names)
    renamed = [
        Renamed(user, serials[user], name, one.serial or serials[user])
        for user, name, one in zip(users, names, known, strict=True)
        if not one.is_unknown
    ]
    if renamed:
        # The whole number at the end: a run that is killed in between is done again.
        privacy_clients.redis_erasures().erase(campaign.id, 1, renamed)
