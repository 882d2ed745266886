"""Users in Redis who are erased: where they are, and their pseudonyms in their place."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.reconciliation import RedisAdmissionReader
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.erasure import Trace
from handlers.domain.errors import StaleStateError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handlers.adapters.redis.scripts import Call
    from handlers.domain.pseudonyms import Renamed

FIND = Script("privacy/find")
ERASE = Script("privacy/erase")

# A script or page blocks every other client of the server: about a millisecond's work each.
BATCH = 500


class RedisErasures:
    """All raise UnavailableError where Redis is not sure of a campaign."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def find_all(
        self, campaign_ids: Sequence[str], user_id: str
    ) -> Mapping[str, Trace | UnavailableError | None]:
        """Return what each campaign has of a user; None for one that Redis does not have."""
        found: dict[str, Trace | UnavailableError | None] = {}
        for start in range(0, len(campaign_ids), BATCH):
            ids = campaign_ids[start : start + BATCH]
            checks = self._scripts.checks_epoch
            calls: list[Call] = [(_keys(one)[:5], (checks, user_id)) for one in ids]
            replies = self._scripts.run_all(FIND, calls)
            found |= {one: _trace(reply) for one, reply in zip(ids, replies, strict=True)}
        return found

    def find(self, campaign_id: str, user_id: str) -> Trace | None:
        """Return what one campaign has of a user; None where Redis does not have the campaign."""
        found = self.find_all([campaign_id], user_id)[campaign_id]
        if isinstance(found, UnavailableError):
            raise found
        return found

    def erase(
        self, campaign_id: str, erased_users: int, users: Sequence[Renamed], *, is_all: bool = False
    ) -> list[str]:
        """Put pseudonyms in the place of users; return those who applied meanwhile.

        erased_users: MySQL's number for the campaign. is_all: Redis then has the pseudonyms of all
        of these. May be repeated. Where Redis does not have the campaign, nothing is to be done.
        """
        left: list[str] = []
        for start in range(0, max(1, len(users)), BATCH):
            args = [part for one in users[start : start + BATCH] for part in one]
            head = self._scripts.checks_epoch, erased_users, "1" if is_all else ""
            code, *rest = self._scripts.run(ERASE, _keys(campaign_id), *head, *args)
            if code == b"STALE":
                raise StaleStateError
            left += [user.decode() for user in rest]
        return left

    def members(self, campaign_id: str) -> Iterator[list[tuple[str, int]]]:
        """Yield all holders with their serials, in pages by serial."""
        entries = RedisAdmissionReader(self._scripts).admitted(campaign_id, 0, SERIAL_MAX)
        while page := list(islice(entries, BATCH)):
            yield [(user, serial) for serial, user in page]

    def has_pending(self, campaign_id: str) -> bool:
        """Return whether an admission of the campaign is not known to be in MySQL."""
        return bool(self._scripts.command("ZRANGE", CampaignKeys.of(campaign_id).pending, 0, 0))

    def forget_calls(self, campaign_id: str) -> None:
        """Delete the counted calls, and when the relay has sent whom; both may be lost."""
        keys = CampaignKeys.of(campaign_id)
        self._scripts.command("UNLINK", keys.rate, keys.resent)


def _keys(campaign_id: str) -> tuple[str, ...]:
    keys = CampaignKeys.of(campaign_id)
    return (
        keys.campaign,
        keys.applied_user,
        keys.pending,
        keys.rate,
        keys.resent,
        keys.returned,
    )


def _trace(reply: Any) -> Trace | UnavailableError | None:
    if isinstance(reply, UnavailableError):
        return reply
    code, *rest = reply
    if code == b"STALE":
        return StaleStateError()
    if code == b"NOT_FOUND":
        return None
    fence, serial, pending, is_known = rest
    since_ms = int(float(pending)) if pending else None
    return Trace(fence, int(float(serial or 0)), since_ms, bool(is_known))
