"""What must hold after every step, and what must hold once all is quiet again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from handlers.reconcile import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.domain.campaign import Campaign
    from tests.simulation.cluster import Cluster

ADMITTED = {"ACCEPTED", "ALREADY_APPLIED"}


def violations_now(cluster: Cluster) -> list[str]:
    """Return a sentence for each promise that is broken at this moment."""
    return [
        *(f"P6: {fault}" for fault in cluster.internal),
        *_in_mysql(cluster),
        *_as_told(cluster),
        *(found for campaign in cluster.campaigns for found in _in_redis(cluster, campaign)),
    ]


def violations_at_the_end(cluster: Cluster) -> list[str]:
    """Return the same when nothing is left to do."""
    return [
        *violations_now(cluster),
        *_accepted_means_issued(cluster),
        *_nothing_disappears(cluster),
        *(found for campaign in cluster.campaigns for found in _both_agree(cluster, campaign)),
    ]


# One statement, so one moment. No admission that was handed over ever collides with another one.
ROWS = """
SELECT campaign_id, user_id, serial, '' FROM coupon
UNION ALL
SELECT campaign_id, user_id, 0, detail FROM failed_event
WHERE reason IN ('SERIAL_TAKEN', 'USER_HAS_OTHER_SERIAL')
"""


def _in_mysql(cluster: Cluster) -> Iterator[str]:  # noqa: C901 - a sentence each
    quantity_of = {campaign.id: campaign.quantity for campaign in cluster.campaigns}
    found = cluster.rows(ROWS)
    for _, user, _, collision in found:
        if collision:
            yield f"P4: two admissions that were handed over collide: {user}: {collision}"
    rows = [(campaign_id, user, serial) for campaign_id, user, serial, no in found if not no]
    for campaign_id, many in Counter(campaign_id for campaign_id, _, _ in rows).items():
        if many > quantity_of[campaign_id]:
            yield f"P1: {many} coupons of {quantity_of[campaign_id]} in {campaign_id}"
    for campaign_id, user, serial in rows:
        if not 1 <= serial <= quantity_of[campaign_id]:
            yield f"P1: {user} has serial {serial} of {quantity_of[campaign_id]}"
    for owner, many in Counter((campaign_id, user) for campaign_id, user, _ in rows).items():
        if many > 1:
            yield f"P2: {owner} has {many} coupons"
    for place, many in Counter((campaign_id, serial) for campaign_id, _, serial in rows).items():
        if many > 1:
            yield f"P1: {place} is given {many} times"


def _as_told(cluster: Cluster) -> Iterator[str]:
    for (campaign_id, user), told in cluster.told.items():
        if len(set(told.serials)) > 1:
            yield f"P3: {user} was told the serials {told.serials} of {campaign_id}"
        codes = [code for code, _ in told.heard]
        first = next((n for n, code in enumerate(codes) if code in ADMITTED), len(codes))
        if "SOLD_OUT" in codes[first:]:
            yield f"P3: {user} was accepted in {campaign_id} and then told SOLD_OUT"
        if strange := {*codes} - {*ADMITTED, "SOLD_OUT", "UNAVAILABLE"}:
            yield f"P6: {user} was answered {strange} in {campaign_id}"


def _in_redis(cluster: Cluster, campaign: Campaign) -> Iterator[str]:
    holders, count, state, _ = cluster.redis.look(campaign.id)
    if count > campaign.quantity:
        yield f"P1: Redis counts {count} of {campaign.quantity} in {campaign.id}"
    if state.get(b"epoch") != cluster.redis.run_id.encode():
        return  # closed: whatever stands here is what a rebuild will make of it
    twice = [serial for serial, many in Counter(holders.values()).items() if many > 1]
    if twice:
        yield f"P4: Redis has the serials {twice} twice in {campaign.id}"


def _accepted_means_issued(cluster: Cluster) -> Iterator[str]:
    rows = cluster.rows("SELECT campaign_id, user_id, serial, admitted_at FROM coupon")
    serial_of = {(campaign_id, user): serial for campaign_id, user, serial, _ in rows}
    for owner, told in cluster.told.items():
        if told.serials and serial_of.get(owner) != told.serials[-1]:
            yield f"P3: {owner} was told {told.serials[-1]} and has {serial_of.get(owner)}"
        refused = not told.unsure and {code for code, _ in told.heard} == {"SOLD_OUT"}
        if refused and owner in serial_of:
            yield f"P3: {owner} was only ever refused and has {serial_of[owner]}"
    if not cluster.new_epochs:
        for campaign in cluster.campaigns:
            mine = sorted((row[2], row[3]) for row in rows if row[0] == campaign.id)
            times = [admitted_at for _, admitted_at in mine]
            if times != sorted(times):
                yield f"P4: the serials of {campaign.id} are not in the order of admission"


def _nothing_disappears(cluster: Cluster) -> Iterator[str]:
    kept = cluster.rows(
        "SELECT partition_no, offset_no FROM failed_event WHERE topic = %s", cluster.log.topic
    )
    if lost := cluster.poisoned - set(kept):
        yield f"P5: the records {lost} are neither coupons nor in failed_event"


def _both_agree(cluster: Cluster, campaign: Campaign) -> Iterator[str]:
    """Redis and MySQL agree about everything, as reconcile sees it."""
    for batch in compare(campaign.id).differences():
        for difference in batch:
            yield f"reconcile: {difference}"
