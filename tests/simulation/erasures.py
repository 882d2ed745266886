"""Who was erased: no store has the id until the user applies again."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from handlers.domain.coupon import CouponAccepted, UndecodableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.simulation.cluster import Cluster

# Texts are searched for the id as a word; in a record it is a value of its JSON.
IN_MYSQL = """
SELECT 'coupon' FROM coupon WHERE user_id = %(user)s
UNION SELECT 'coupon_event' FROM coupon_event
    WHERE actor = %(user)s OR CONCAT_WS(' ', reason, detail) REGEXP %(word)s
UNION SELECT 'webhook_delivery' FROM webhook_delivery WHERE detail REGEXP %(word)s
UNION SELECT 'failed_event' FROM failed_event
    WHERE user_id = %(user)s OR record_key = %(user)s OR detail REGEXP %(word)s
       OR LOCATE(%(value)s, payload)
"""


class Erasures:
    """What was asked for and answered in one history.

    asked: users whose erasure was begun, perhaps by a process that was killed.
    erased: users whose erasure was answered, and who have not applied since, nor while it ran. One
    whose record is sent and may still arrive is not among them: no store has it yet.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.asked: set[str] = set()
        self.erased: set[str] = set()
        self._applying: Counter[str] = Counter()
        self._applied: Counter[str] = Counter()

    @contextmanager
    def applying(self, users: Sequence[str]) -> Iterator[None]:
        """Note that users apply, while the block lasts."""
        self.erased.difference_update(users)
        self._applied.update(users)
        self._applying.update(users)
        try:
            yield
        finally:
            self._applying.subtract(users)

    def erase(self, user: str, call: Callable[[], int]) -> int:
        """Erase a user by `call`, which returns the status of its answer; return that."""
        self.asked.add(user)
        before, is_alone = self._applied[user], not self._applying[user]
        self._forgive(user, math.inf)
        status = call()
        is_alone = is_alone and before == self._applied[user] and user not in self._on_the_wire()
        if status == HTTPStatus.NO_CONTENT and is_alone:
            self.erased.add(user)
            self._forgive(user, None)
        return status

    def violations(self) -> Iterator[str]:
        """Yield a sentence for each store that has the id of a user who was erased."""
        for user in sorted(self.erased):
            stores = [*self._in_mysql(user), *self._in_redis(user)]
            if stores:
                yield f"PRIVACY: the id of {user}, who was erased, is in {stores}"

    def _forgive(self, user: str, before: float | None) -> None:
        """Let SOLD_OUT follow what the user was told up to a response; None: up to the last one."""
        for campaign in self._cluster.campaigns:
            stats = self._cluster.told[campaign.id, user]
            stats.forgiven = len(stats.heard) if before is None else before

    def _on_the_wire(self) -> set[str]:
        users = set()
        for sent in self._cluster.log.wire:
            try:
                users.add(CouponAccepted.decode(sent.value).user_id)
            except UndecodableError:
                continue
        return users

    def _in_mysql(self, user: str) -> list[str]:
        found = self._cluster.rows(IN_MYSQL, user=user, word=rf"\b{user}\b", value=f'"{user}"')
        return [table for (table,) in found]

    def _in_redis(self, user: str) -> Iterator[str]:
        """Yield the keys that have the id; a Redis that waits for a rebuild is not asked."""
        for campaign in self._cluster.campaigns:
            yield from self._cluster.redis.keys_with(campaign.id, user)
