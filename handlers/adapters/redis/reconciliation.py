"""The admissions in Redis for the reconciliation: reads by serial and by user, and two repairs."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.errors import CampaignNotFoundError, StaleStateError
from handlers.domain.reconciliation.differences import Admitted, CampaignSnapshot, Entry
from handlers.domain.rejection_cache import EXPIRED_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SNAPSHOT = Script("reconciliation/snapshot")
LOOKUP_USERS = Script("reconciliation/lookup_users")
UNASSIGNED_SERIALS = Script("reconciliation/unassigned_serials")
MAKE_PENDING = Script("reconciliation/make_pending")
GIVE_BACK_SERIALS = Script("reconciliation/give_back")
ANNOUNCE_RETURN = Script("reconciliation/announce_return")

# A script or page blocks every other client of the server: about a millisecond's work each.
BATCH = 1000
# For the serials to be given back, whose first script ends what it is for.
ANNOUNCED_MS = 60_000
# Each of these is compared with the last ones that were given back.
GIVE_BACK = 200


class RedisAdmissionReader:
    """Reads without a lock while users apply; each reply is of one moment, several pages are not.

    The scripts raise StaleStateError when the campaign is not open in the server's history; all
    raise UnavailableError when Redis is unreachable.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def snapshot(self, campaign_id: str) -> CampaignSnapshot:
        """Return the campaign's counters; CampaignNotFoundError when Redis surely has none."""
        keys = CampaignKeys.of(campaign_id)
        script_keys = [keys.campaign, keys.applied_user, keys.coupon_count]
        code, *reply = self._scripts.run(SNAPSHOT, script_keys, self._scripts.checks_epoch)
        if code == b"NOT_FOUND":
            [reason] = self._scripts.why_missing([campaign_id])
            raise reason or CampaignNotFoundError
        if code != b"OK":
            raise StaleStateError
        return CampaignSnapshot(*reply)

    def admitted(self, campaign_id: str, after: int, through: int) -> Iterator[Entry]:
        """Yield the holders of serials above `after` up to `through`, by serial, then user.

        The first page includes invalid serials of 0 and less, and the page with the last serial
        that a campaign can have includes those beyond it.
        """
        key = CampaignKeys.of(campaign_id).applied_user
        lowest = after + 1 if after else "-inf"
        return self._by_score(key, lowest, through if through < SERIAL_MAX else "+inf")

    def pending(self, campaign_id: str, until_ms: int) -> Iterator[str]:
        """Yield the users who have been pending since `until_ms` or earlier, oldest first."""
        key = CampaignKeys.of(campaign_id).pending
        return (user for _, user in self._by_score(key, "-inf", until_ms))

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> list[Admitted]:
        """Return what is known about each of `users` (at most BATCH), in their order."""
        keys = CampaignKeys.of(campaign_id)
        found = self._run(LOOKUP_USERS, [keys.campaign, keys.applied_user, keys.pending], *users)
        return [
            Admitted(_number(serial), _number(since_ms))
            for serial, since_ms in zip(found[::2], found[1::2], strict=True)
        ]

    def returned(self, campaign_id: str) -> Iterator[int]:
        """Yield the serials that were given back.

        From the end: meanwhile applicants take from the start, which does not shift these indexes.
        """
        key, last = CampaignKeys.of(campaign_id).returned, -1
        while page := self._scripts.command("LRANGE", key, last - BATCH + 1, last):
            yield from (int(serial) for serial in page)
            last -= BATCH

    def unassigned_serials(self, campaign_id: str, serials: Sequence[int]) -> list[int]:
        """Return those of `serials` (at most BATCH) that no user holds."""
        keys = CampaignKeys.of(campaign_id)
        return list(self._run(UNASSIGNED_SERIALS, [keys.campaign, keys.applied_user], *serials))

    def make_pending(self, campaign_id: str, entries: Sequence[Entry]) -> int:
        """Let the relay send the users who still hold their serial and are not pending.

        Returns how many became pending.
        """
        keys = CampaignKeys.of(campaign_id)
        script_keys = [keys.campaign, keys.applied_user, keys.pending]
        made = 0
        for first in range(0, len(entries), BATCH):
            chunk = entries[first : first + BATCH]
            args = [arg for serial, user in chunk for arg in (user, serial)]
            made += int(self._run(MAKE_PENDING, script_keys, *args)[0])
        return made

    def give_back(self, campaign_id: str, serials: Iterable[int]) -> int:
        """Give back serials that nothing needs (the caller holds the lock of the rebuild).

        Leaves out those that a user holds. Returns how many were given back. First waits until no
        process has a rejection of this campaign in its cache.
        """
        keys = CampaignKeys.of(campaign_id)
        self._run(ANNOUNCE_RETURN, [keys.campaign], ANNOUNCED_MS)
        time.sleep(EXPIRED_S)
        script_keys = [keys.campaign, keys.applied_user, keys.coupon_count, keys.returned]
        left, given = iter(serials), 0
        while chunk := list(islice(left, GIVE_BACK)):
            given += int(self._run(GIVE_BACK_SERIALS, script_keys, *chunk)[0])
        return given

    def _run(self, script: Script, keys: Sequence[str], *args: str | int) -> list[Any]:
        reply: list[Any] = self._scripts.run(script, keys, self._scripts.checks_epoch, *args)
        if reply.pop(0) != b"OK":
            raise StaleStateError
        return reply

    def _by_score(self, key: str, lowest: int | str, highest: int | str) -> Iterator[Entry]:
        """Yield a sorted set's entries page by page, each page from the last score of the previous.

        No entry is skipped when entries with lower scores come or go meanwhile; `passed` counts
        the entries with exactly that score that were yielded already.
        """
        passed = 0
        while True:
            found = self._scripts.command(
                *("ZRANGE", key, lowest, highest, "BYSCORE"),
                *("LIMIT", passed, BATCH, "WITHSCORES"),
            )
            page = [
                (int(float(score)), user.decode())
                for user, score in zip(found[::2], found[1::2], strict=True)
            ]
            yield from page
            if len(page) < BATCH:
                return
            last = page[-1][0]
            passed = sum(score == last for score, _ in page) + (passed if last == lowest else 0)
            lowest = last


def _number(text: bytes) -> int | None:
    return int(float(text)) if text else None
