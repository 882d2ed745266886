"""Erases users everywhere: coupons stay, and belong to pseudonyms.

For each campaign in turn: what is on its way to MySQL is written; MySQL's rows get the pseudonym,
in one transaction; then Redis does, in one script. MySQL goes first, so a record that comes again
finds the pseudonym's row. A process may be killed after each step: the same call goes on, and so
does `complete`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import ErasureWaitsError, UnavailableError
from handlers.domain.identifiers import is_user_id
from handlers.domain.pseudonyms import Pseudonyms, Renamed
from handlers.domain.settlement import SettledAs, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from handlers.domain.reconciliation.differences import Issued

# A user who applies all the while is met again each time.
ROUNDS_MAX = 5
# Who did it where a campaign's time is over.
RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Trace:
    """What an open campaign in Redis has of a user.

    serial: 0 where the user holds none. pending_since_ms: None where MySQL has the admission.
    """

    fence: int
    serial: int
    pending_since_ms: int | None
    is_known: bool


@dataclass(frozen=True, slots=True)
class Erased:
    """What one campaign's transaction found: the pseudonym's serial, or 0; the campaign's count."""

    serial: int
    erased_users: int


class ErasedPage(NamedTuple):
    """How many owners were erased; last_serial: None after the last page."""

    erased: int
    last_serial: int | None


class StoredUsers(Protocol):
    """The users in MySQL."""

    def campaigns_of(self, user_id: str) -> Sequence[str]:
        """Return the ids of the campaigns of which MySQL has the user's id."""

    def erase(
        self, campaign_id: str, user_id: str, fence: int | None, actor: str, *, is_held: bool
    ) -> Erased:
        """Erase a user in a campaign; raise ErasureWaitsError, StaleStateError."""

    def erase_nameless(self, user_id: str) -> int:
        """Erase a user in records that name no campaign; raise ErasureWaitsError."""

    def erase_page(self, campaign_id: str, fence: int | None, after: int) -> ErasedPage:
        """Erase the owners of a page of coupons."""

    def users_of_failed_events(self, campaign_id: str) -> Iterator[str]:
        """Yield the users of a campaign's failed events who are not erased."""

    def with_erased_users(self) -> Mapping[str, int]:
        """Return how many users were erased, by campaign, where Redis may have it."""

    def all_are_erased(self, campaign_id: str) -> None:
        """Note that all users of a campaign are erased."""


class ShownUsers(Protocol):
    """The users in Redis. A campaign that Redis does not have is passed over."""

    def find_all(
        self, campaign_ids: Sequence[str], user_id: str
    ) -> Mapping[str, Trace | UnavailableError | None]:
        """Return what each campaign has of a user."""

    def find(self, campaign_id: str, user_id: str) -> Trace | None:
        """Return what one campaign has of a user."""

    def erase(
        self, campaign_id: str, erased_users: int, users: Sequence[Renamed], *, is_all: bool = False
    ) -> list[str]:
        """Put pseudonyms in the place of users; return those who applied meanwhile."""

    def members(self, campaign_id: str) -> Iterator[list[tuple[str, int]]]:
        """Yield all holders with their serials, in pages."""

    def has_pending(self, campaign_id: str) -> bool:
        """Return whether an admission is not known to be in MySQL."""

    def forget_calls(self, campaign_id: str) -> None:
        """Delete what may be lost and names users."""


class OnItsWay(Protocol):
    """What is on its way to MySQL."""

    def campaign_ids(self) -> Sequence[str]:
        """Return the campaigns that Redis may have."""

    def write(self, coupon: CouponAccepted) -> bool:
        """Write an admission to MySQL; return whether its row is there."""

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Report to Redis what MySQL has."""

    def redrive(self, number: int) -> bool:
        """Write a failed event again now; return whether it waits no more."""

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> Sequence[Issued]:
        """Return what MySQL knows about each of `users`."""


class Eraser:
    """Each call may be repeated, in any process. All raise UnavailableError without a server."""

    def __init__(
        self, users: tuple[StoredUsers, ShownUsers], deliveries: OnItsWay, pseudonyms: Pseudonyms
    ) -> None:
        self._stored, self._shown = users
        self._deliveries = deliveries
        self._pseudonyms = pseudonyms

    def erase(self, user_id: str, actor: str) -> int:
        """Erase a user in the name of `actor`; return in how many campaigns a server had the id.

        Raises ErasureWaitsError while a record of the user is to be written, UnavailableError also
        while a campaign is being rebuilt. What was done until then stays done.
        """
        self._stored.erase_nameless(user_id)
        found = sorted(self._campaigns_of(user_id))
        for campaign_id in found:
            self._erase_in(campaign_id, user_id, actor)
        return len(found)

    def erase_all(self, campaign_id: str, has_time: Callable[[], None]) -> int:
        """Erase all users of a campaign that is over; return how many coupons had one.

        has_time: called before each page; raises UnavailableError where none is left.
        """
        # No user has this id: it is too long. What counts is the fence.
        trace, erased = self._shown.find(campaign_id, "x" * 65), 0
        if trace and self._shown.has_pending(campaign_id):
            message = "admissions are on their way to MySQL"
            raise UnavailableError(message)
        fence, page = trace.fence if trace else None, ErasedPage(0, 0)
        while page.last_serial is not None:
            has_time()
            page = self._stored.erase_page(campaign_id, fence, page.last_serial)
            erased += page.erased
        for user_id in self._stored.users_of_failed_events(campaign_id):
            has_time()
            self._stored.erase(campaign_id, user_id, fence, RETENTION, is_held=False)
        if trace:
            self._erase_shown(campaign_id, has_time)
        self._stored.all_are_erased(campaign_id)
        return erased

    def complete(self, campaign_id: str, erased_users: int) -> None:
        """Let Redis have the pseudonyms that MySQL has; erased_users: read from MySQL before."""
        for page in self._shown.members(campaign_id):
            self._complete(campaign_id, dict(page))
        self._shown.erase(campaign_id, erased_users, [], is_all=True)

    def _campaigns_of(self, user_id: str) -> set[str]:
        """Return the campaigns of which a server has the id; raise where one cannot be sure."""
        found = set(self._stored.campaigns_of(user_id))
        ids = self._deliveries.campaign_ids()
        for campaign_id, trace in self._shown.find_all(ids, user_id).items():
            if isinstance(trace, UnavailableError):
                message = f"campaign {campaign_id}: {trace}"
                raise UnavailableError(message) from trace
            if trace and trace.is_known:
                found.add(campaign_id)
        return found

    def _erase_in(self, campaign_id: str, user_id: str, actor: str) -> None:
        pseudonym = self._pseudonyms.of(campaign_id, user_id)
        for _ in range(ROUNDS_MAX):
            trace = self._shown.find(campaign_id, user_id)
            if trace:
                self._write_pending(campaign_id, user_id, trace)
            fence, is_held = trace.fence if trace else None, bool(trace and trace.serial)
            try:
                erased = self._stored.erase(campaign_id, user_id, fence, actor, is_held=is_held)
            except ErasureWaitsError as error:
                redriven = [self._deliveries.redrive(number) for number in error.waiting]
                if not any(redriven):
                    raise
                continue
            if trace is None:
                return
            # Without a row: a record that was given up, or one that a reconciliation sends again.
            serial = erased.serial or trace.serial
            renamed = Renamed(user_id, trace.serial, pseudonym, serial)
            if not self._shown.erase(campaign_id, erased.erased_users, [renamed]):
                return
        message = f"the user applies to {campaign_id} again and again; ask again later"
        raise UnavailableError(message)

    def _write_pending(self, campaign_id: str, user_id: str, trace: Trace) -> None:
        """Write the row of an admission that may only be on its way."""
        if trace.pending_since_ms is None or not trace.serial:
            return
        ids, fence = (campaign_id, user_id, trace.serial), trace.fence
        if not self._deliveries.write(CouponAccepted(*ids, trace.pending_since_ms, fence)):
            name = self._pseudonyms.of(campaign_id, user_id)
            [known] = self._deliveries.lookup_users(campaign_id, [name])
            if known.serial is None:
                message = f"the admission to {campaign_id} is on its way to MySQL; ask again"
                raise UnavailableError(message)
        self._deliveries.settle([Settlement(*ids, SettledAs.COUPON)])

    def _complete(self, campaign_id: str, serials: Mapping[str, int]) -> None:
        users = list(serials)
        names = [self._pseudonyms.of(campaign_id, user) for user in users]
        known = self._deliveries.lookup_users(campaign_id, names)
        renamed = [
            Renamed(user, serials[user], name, one.serial or serials[user])
            for user, name, one in zip(users, names, known, strict=True)
            if not one.is_unknown
        ]
        if renamed:
            # The whole number at the end: a run that is killed in between is done again.
            self._shown.erase(campaign_id, 1, renamed)

    def _erase_shown(self, campaign_id: str, has_time: Callable[[], None]) -> None:
        """Give all who hold a serial of a closed campaign their pseudonyms."""
        erased_users = self._stored.with_erased_users().get(campaign_id, 0)
        for page in self._shown.members(campaign_id):
            has_time()
            renamed = [
                Renamed(user, serial, self._pseudonyms.of(campaign_id, user), serial)
                for user, serial in page
                if is_user_id(user) and not self._pseudonyms.made(user)
            ]
            if renamed:
                self._shown.erase(campaign_id, 1, renamed)
        self._shown.forget_calls(campaign_id)
        self._shown.erase(campaign_id, erased_users, [], is_all=True)
