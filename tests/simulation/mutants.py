"""Removes one guard of the protocol, for controls that show that the machine would notice."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from handlers import privacy, rebuild, wiring
from handlers.adapters.mysql import coupon_states, ledger, returned_places
from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges
from handlers.adapters.mysql.returned_places import ReturnedPlaces
from handlers.adapters.redis.admissions import ADMIT, Admissions
from handlers.adapters.redis.campaign_changes import NARROW
from handlers.adapters.redis.erasures import RedisErasures
from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.settling import SETTLE
from handlers.domain import stored_coupons
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events import kafka as kafka_event
from tests.simulation.consumer import Consumer
from tests.simulation.ledger import DirectWriters, Ledger
from tests.support.mutated import change as change_script
from tests.support.unique_keys import without_unique_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from pymysql.cursors import Cursor

    from handlers.adapters.redis.scripts import Script
    from handlers.domain.campaign import Campaign
    from handlers.domain.campaign_change import CampaignChange, Noted
    from handlers.domain.record import DecodedRecord
    from tests.simulation.cluster import Cluster

FORGER = "forger"


def _cut(
    patch: pytest.MonkeyPatch, cluster: Cluster, script: Script, guard: str, instead: str = ""
) -> None:
    """Replace a part of a script; Redis then has a different script."""
    change_script(patch, script, guard, instead)
    cluster.redis.load(script.source)


def pending(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The script does not store the pending record of an admission that MySQL does not have yet."""
    _cut(patch, cluster, ADMIT, "redis.call('ZADD', KEYS[5], now_ms, user)")


def quantity(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The INSERT allows serials above the campaign's quantity."""
    guard = " AND r.serial BETWEEN 1 AND c.last_serial"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, ""))


def order(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The consumer commits its offsets and settles first, and writes last.

    Both together, because offsets and pending record back each other up.
    """

    def write_last(self: Consumer, limit: int) -> None:
        batch = self.poll(limit)
        self.commit(batch, {})
        event = self.event(batch)
        wiring.admissions().settle(
            [
                Settlement(c.campaign_id, c.user_id, c.serial, SettledAs.COUPON)
                for c in (one.coupon for one in kafka_event.decode(event)[0])
                if c.user_id != FORGER  # a forged record is not an admission; found at once
            ]
        )
        self.write(event)

    patch.setattr(Consumer, "run", write_last)


def settle(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Redis never learns which admissions MySQL has."""
    patch.setattr(Admissions, "settle", lambda *_: None)


def confirmation(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Kafka's ack is enough, also where a rebuild has begun since the admission."""
    patch.setattr(Admissions, "confirm_all", lambda _, admitted, __: [True] * len(admitted))


def fence(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A row that apply writes counts also where a rebuild has begun since the admission."""
    guard = " OR r.fence = c.fence"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, " OR TRUE"))


def lock(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A row that apply writes does not lock its campaign: the fence may be raised meanwhile."""
    guard = "LOCK IN SHARE MODE"
    assert guard in ledger.INSERT_COUPONS
    patch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(guard, ""))


def lateness(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The consumer writes records that a rebuild has missed."""
    patch.setattr(ledger, "is_late", lambda *_: False)


def durable(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Without Kafka's ack and without a row the client receives ACCEPTED all the same."""
    patch.setattr(DirectWriters, "write_all", lambda _, admitted: [True] * len(admitted))


def rejection(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The redrive takes a value that MySQL refuses for an error of its own."""

    def unguarded(
        self: Ledger, cursor: Cursor, one: DecodedRecord, *, direct: bool = False
    ) -> ledger.Refusal | None:
        return self.insert(cursor, [one], direct=direct).get(one)

    patch.setattr(Ledger, "insert_one", unguarded)


def holder_of_given_back(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Settle writes a coupon back to its user also where the user gave it back."""
    guard = "(as_given or not redis.call('ZSCORE', KEYS[2], ' ' .. ARGV[3 + n + i]))"
    _cut(patch, cluster, SETTLE, guard, "true")


def given_back_first(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A rebuild lets Redis hold what was given back only with the rows of MySQL."""
    original = stored_coupons.given_back
    patch.setattr(
        stored_coupons, "given_back", lambda rows, name, _: original(rows, name, lambda _: None)
    )


def places_once_closed(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A rebuild takes the places that were returned before it has closed the campaign."""
    patch.setattr(
        rebuild,
        "replace",
        lambda row, fence, places_returned: replace(row, fence=fence),  # noqa: ARG005
    )


def state_of_coupon(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """An order's change is written over any state."""
    patch.setattr(
        coupon_states, "UPDATE_COUPON_STATE", _any_state(coupon_states.UPDATE_COUPON_STATE)
    )


def state_of_given_back(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A coupon is given back in any state."""
    patch.setattr(returned_places, "GIVE_COUPON_BACK", _any_state(returned_places.GIVE_COUPON_BACK))


def place(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The transaction that ends a coupon returns no place."""
    counted = "places_returned + 1"
    assert counted in returned_places.RETURN_PLACE
    without_it = returned_places.RETURN_PLACE.replace(counted, "places_returned")
    patch.setattr(returned_places, "RETURN_PLACE", without_it)


def mysql_before_redis(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Redis gives a returned place before MySQL has it."""
    original = ReturnedPlaces.give_back

    def too_early(self: ReturnedPlaces, campaign_id: str, user_id: str) -> object:
        key = CampaignKeys.of(campaign_id).campaign
        wiring.scripts().command("HINCRBY", key, "places_returned", 1)
        return original(self, campaign_id, user_id)

    patch.setattr(ReturnedPlaces, "give_back", too_early)


class AnyFence(int):
    """Equal to every other one."""

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False

    __hash__ = int.__hash__


def fence_of_change(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A change of a campaign is made also where a rebuild has begun since."""
    original = MySqlCampaignChanges.make

    def under_any(
        self: MySqlCampaignChanges, campaign_id: str, change: CampaignChange, noted: Noted
    ) -> Campaign:
        return original(self, campaign_id, change, noted._replace(fence=AnyFence()))

    patch.setattr(MySqlCampaignChanges, "make", under_any)


def narrowing(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """A lower quantity is noted in Redis, which goes on with the old one until MySQL has it."""
    _cut(patch, cluster, NARROW, "narrow('quantity', quantity)")


def pause(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The script does not ask whether the campaign is paused."""
    _cut(patch, cluster, ADMIT, "is_paused and {'PAUSED', PAUSED_MS, 0, 0}", "false")


def release(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The script gives what is not released yet."""
    _cut(patch, cluster, ADMIT, "if campaign[10] and campaign[10] ~= '' then", "if false then")


def pseudonym_of_applicant(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """The script does not ask for the pseudonym of an applicant whom it does not know."""
    _cut(patch, cluster, ADMIT, "if not applied and has_erased then", "if false then")


def pseudonym_of_settled(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """Settle writes a coupon back to its user also where the user was erased."""
    _cut(patch, cluster, SETTLE, "\n      and not is_erased")


def erasure_in_redis(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """An erasure leaves Redis as it is."""
    patch.setattr(RedisErasures, "erase", lambda *_, **__: [])


def completion(patch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    """No run completes an erasure that was left half-done."""
    patch.setattr(privacy, "_complete", lambda: 0)


def _any_state(statement: str) -> str:
    condition = statement[statement.index("\n  AND state") :]
    return statement.replace(condition, "")


@contextmanager
def unique_keys(cluster: Cluster) -> Iterator[None]:
    """MySQL allows duplicates, while the block lasts."""
    with without_unique_keys(cluster.rows):
        try:
            yield
        finally:
            cluster.stage.kill_all()
