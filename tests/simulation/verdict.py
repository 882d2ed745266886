"""What must hold after every step, and what must hold once all is quiet again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.domain import times
from handlers.reconcile import compare
from local.harness.invariants import (
    check,
    everyone_answered,
    never_one_too_many,
    one_per_person,
    repeated,
    violations,
)
from local.harness.observations import Faults, Observations, Row
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT, UNDECIDED, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.domain.campaign import Campaign
    from tests.simulation.world import Told, World

    Found = list[tuple[Any, ...]]

# One statement, so one moment. No admission that was handed over ever collides with another one.
ROWS = """
SELECT campaign_id, user_id, serial, admitted_at, '' FROM coupon
UNION ALL
SELECT campaign_id, user_id, 0, NULL, detail FROM failed_event
WHERE reason IN ('SERIAL_TAKEN', 'USER_HAS_OTHER_SERIAL')
"""


def violations_now(world: World) -> list[str]:
    """Return a sentence for each promise that is broken at this moment."""
    found = world.rows(ROWS)
    return [
        *(f"P6: {fault}" for fault in world.internal),
        *(
            f"P4: two admissions that were handed over collide: {user}: {detail}"
            for _, user, _, _, detail in found
            if detail
        ),
        *_told_two_things(world),
        *(each for campaign in world.campaigns for each in _now(world, campaign, found)),
    ]


def violations_at_the_end(world: World) -> list[str]:
    """Return the same when nothing is left to do."""
    now, found = violations_now(world), world.rows(ROWS)
    return [
        *now,
        *(each for campaign in world.campaigns for each in _at_the_end(world, campaign, found)),
        *_nothing_disappears(world),
    ]


def _now(world: World, campaign: Campaign, found: Found) -> Iterator[str]:
    holders, count, state, _ = world.redis.look(campaign.id)
    seen = _observed(world, campaign, found, count)
    results = never_one_too_many(seen), one_per_person(seen), everyone_answered(seen)
    yield from (f"{each} in {campaign.id}" for each in violations(results))
    if state.get(b"epoch") != world.redis.run_id.encode():
        return  # closed: what is here is what a rebuild will change
    if twice := repeated(holders.values()):
        yield f"P4: Redis has the serials {twice} twice in {campaign.id}"


def _at_the_end(world: World, campaign: Campaign, found: Found) -> Iterator[str]:
    results = check(_observed(world, campaign, found, 0))
    yield from (f"{each} in {campaign.id}" for each in violations(results))
    # Redis and MySQL agree about everything, as reconcile sees it.
    for batch in compare(campaign.id).differences():
        for difference in batch:
            yield f"reconcile: {difference}"


def _observed(world: World, campaign: Campaign, found: Found, count: int) -> Observations:
    responses = [
        answer
        for (campaign_id, user), told in world.told.items()
        if campaign_id == campaign.id
        for answer in _answers(user, told)
    ]
    rows = [
        Row(user, serial, times.from_datetime(admitted_at))
        for campaign_id, user, serial, admitted_at, detail in found
        if campaign_id == campaign.id and not detail
    ]
    faults = Faults(rebuilt=bool(world.new_epochs))
    return Observations(campaign.quantity, responses, rows, highest_count=count, faults=faults)


def _answers(user: str, told: Told) -> Iterator[Answer]:
    for code, serial in told.heard:
        yield Answer(user, UNDECIDED if code == "UNAVAILABLE" else code, serial or None)
    if told.unsure:
        yield Answer(user, UNDECIDED)


def _told_two_things(world: World) -> Iterator[str]:
    for (campaign_id, user), told in world.told.items():
        if len(set(told.serials)) > 1:
            yield f"P3: {user} was told the serials {told.serials} of {campaign_id}"
        codes = [code for code, _ in told.heard]
        admitted = (ACCEPTED, ALREADY_APPLIED)
        first = next((n for n, code in enumerate(codes) if code in admitted), len(codes))
        if SOLD_OUT in codes[first:]:
            yield f"P3: {user} was accepted in {campaign_id} and then told SOLD_OUT"


def _nothing_disappears(world: World) -> Iterator[str]:
    kept = world.rows(
        "SELECT partition_no, offset_no FROM failed_event WHERE topic = %s", world.log.topic
    )
    if lost := world.poisoned - set(kept):
        yield f"P5: the records {lost} are neither coupons nor in failed_event"
