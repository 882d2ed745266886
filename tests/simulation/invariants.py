"""The invariants after every step, and those at the end, when no work is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain import times
from handlers.domain.admission import Outcome
from handlers.reconcile import compare
from local.harness.invariants import (
    check,
    every_request_gets_response,
    never_one_too_many,
    one_per_person,
    repeated,
    violations,
)
from local.harness.observations import Faults, Observations, Row
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT, UNDECIDED, ApplyResponse
from tests.simulation.law import limits, violations_of_law
from tests.simulation.plans import USERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.domain.campaign import Campaign
    from tests.simulation.cluster import Cluster
    from tests.simulation.responses import ResponseStats

    Found = list[tuple[Any, ...]]

# One statement reads one moment. Admissions in Kafka must never collide.
ROWS = """
SELECT campaign_id, user_id, serial, admitted_at, '', given_back FROM coupon
UNION ALL
SELECT campaign_id, user_id, 0, NULL, detail, 0 FROM failed_event
WHERE reason IN ('SERIAL_TAKEN', 'USER_HAS_OTHER_SERIAL')
"""


# Nothing was decided about the applicant, who may ask again.
WAITS = {Outcome.PAUSED, Outcome.NEXT_RELEASE}


def violations_now(cluster: Cluster) -> list[str]:
    """Return a sentence for each promise that is broken at this moment."""
    found = _rows(cluster)
    given_back = {(row[0], row[1], row[2]) for row in found if row[5]}
    return [
        *(f"P6: {fault}" for fault in cluster.internal),
        *cluster.broken,
        *(
            f"P4: two admissions that were handed over collide: {user}: {detail}"
            for _, user, _, _, detail, _ in found
            if detail
        ),
        *_contradictory_responses(cluster, given_back),
        *violations_of_law(cluster),
        *cluster.shop.erasures.violations(),
        *(each for campaign in cluster.campaigns for each in _now(cluster, campaign, found)),
    ]


def violations_at_the_end(cluster: Cluster) -> list[str]:
    """Return the same when no work is left."""
    now, found = violations_now(cluster), _rows(cluster)
    return [
        *now,
        *(each for campaign in cluster.campaigns for each in _at_the_end(cluster, campaign, found)),
        *_nothing_disappears(cluster),
    ]


def _rows(cluster: Cluster) -> Found:
    """Return what ROWS finds; a pseudonym is the user whom it is of: what was promised holds."""
    names = {
        (campaign.id, wiring.pseudonyms().of(campaign.id, user)): user
        for campaign in cluster.campaigns
        for user in USERS
    }
    return [(row[0], names.get(row[:2], row[1]), *row[2:]) for row in cluster.rows(ROWS)]


def _now(cluster: Cluster, campaign: Campaign, found: Found) -> Iterator[str]:
    holders, count, state, _ = cluster.redis.look(campaign.id)
    seen = _observed(cluster, campaign, found, count)
    results = never_one_too_many(seen), one_per_person(seen), every_request_gets_response(seen)
    yield from (f"{each} in {campaign.id}" for each in violations(results))
    if state.get(b"epoch") != cluster.redis.history:
        return  # closed: a rebuild will change this state
    if twice := repeated(holders.values()):
        yield f"P4: Redis has the serials {twice} twice in {campaign.id}"


def _at_the_end(cluster: Cluster, campaign: Campaign, found: Found) -> Iterator[str]:
    results = check(_observed(cluster, campaign, found, 0))
    yield from (f"{each} in {campaign.id}" for each in violations(results))
    # Redis and MySQL must agree: reconcile finds no difference.
    for batch in compare(campaign.id).differences():
        for difference in batch:
            yield f"reconcile: {difference}"


def _observed(cluster: Cluster, campaign: Campaign, found: Found, count: int) -> Observations:
    """Return what is to hold for coupons that were not given back."""
    given_back = {(row[1], row[2]) for row in found if row[0] == campaign.id and row[5]}
    responses = [
        response
        for (campaign_id, user), stats in cluster.told.items()
        if campaign_id == campaign.id
        for response in _responses(user, stats)
        if (user, response.serial) not in given_back
    ]
    rows = [
        Row(user, serial, times.from_datetime(admitted_at))
        for campaign_id, user, serial, admitted_at, detail, is_given_back in found
        if campaign_id == campaign.id and not detail and not is_given_back
    ]
    quantity, places = limits(cluster, campaign)
    if steps := campaign.releases.steps:
        quantity = min(quantity, steps[0][1])  # the last one is not released in any history
    # Of a campaign that has changed, or whose places were returned, some were sold out before.
    is_changed = bool(places) or bool(steps) or cluster.shop.has_changed
    faults = Faults(rebuilt=bool(cluster.new_epochs) or is_changed)
    return Observations(quantity + places, responses, rows, highest_count=count, faults=faults)


def _responses(user: str, stats: ResponseStats) -> Iterator[ApplyResponse]:
    for code, serial in stats.heard:
        if code in WAITS:
            continue
        yield ApplyResponse(user, UNDECIDED if code == "UNAVAILABLE" else code, serial or None)
    if stats.unsure:
        yield ApplyResponse(user, UNDECIDED)


def _contradictory_responses(
    cluster: Cluster, given_back: set[tuple[str, str, int]]
) -> Iterator[str]:
    for (campaign_id, user), stats in cluster.told.items():
        heard = [
            (code, serial, number >= stats.forgiven)
            for number, (code, serial) in enumerate(stats.heard)
            if (campaign_id, user, serial) not in given_back
        ]
        if len({serial for _, serial, _ in heard if serial}) > 1:
            yield f"P3: {user} was told the serials {stats.serials} of {campaign_id}"
        codes = [code for code, _, counts in heard if counts]
        admitted = (ACCEPTED, ALREADY_APPLIED)
        first = next((n for n, code in enumerate(codes) if code in admitted), len(codes))
        if SOLD_OUT in codes[first:]:
            yield f"P3: {user} was accepted in {campaign_id} and then got SOLD_OUT"


def _nothing_disappears(cluster: Cluster) -> Iterator[str]:
    stored = cluster.rows(
        "SELECT partition_no, offset_no FROM failed_event WHERE topic = %s", cluster.log.topic
    )
    if lost := cluster.poisoned - set(stored):
        yield f"P5: the records {lost} are neither coupons nor in failed_event"
