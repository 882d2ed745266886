"""The law of coupons and places, from MySQL alone: it holds at every moment.

Each change of a coupon has one event, in the order in which the states follow each other. So the
states of all coupons add up to what was issued, and a place is returned once.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.domain.campaign import Campaign
    from tests.simulation.cluster import Cluster

ISSUED, RESERVED, USED, REVOKED = "ISSUED", "RESERVED", "USED", "REVOKED"
# The states that an event may follow, and the one that it leads to. A revoked coupon may return its
# place later, by a second event.
STEPS = {
    "RESERVED": ({ISSUED, RESERVED}, RESERVED),
    "USED": ({ISSUED, RESERVED}, USED),
    "RELEASED": ({RESERVED}, ISSUED),
    "CANCELLED": ({USED}, ISSUED),
    "REVOKED": ({ISSUED, RESERVED, REVOKED}, REVOKED),
    "GIVEN_BACK": ({ISSUED, RESERVED}, REVOKED),
}
# In one statement, so of one moment.
FOUND = """
SELECT 'campaign', id, places_returned, quantity, '', '', '' FROM campaign
UNION ALL
SELECT 'coupon', campaign_id, serial, given_back, state, COALESCE(order_id, ''), code FROM coupon
UNION ALL
SELECT * FROM (
    SELECT 'event', campaign_id, serial, id, kind, COALESCE(order_id, ''), COALESCE(detail, '{}')
    FROM coupon_event WHERE serial IS NOT NULL AND kind <> 'ERASED' ORDER BY id LIMIT 100000
) AS events
"""


def violations_of_law(cluster: Cluster) -> Iterator[str]:
    """Yield a sentence for each difference from the law."""
    found = cluster.rows(FOUND)
    for campaign in cluster.campaigns:
        rows = [row for row in found if row[1] == campaign.id]
        yield from (f"LAW: {each} in {campaign.id}" for each in _of_campaign(rows))
    yield from _answered(cluster, found)


def limits(cluster: Cluster, campaign: Campaign) -> tuple[int, int]:
    """Return quantity and returned places of a campaign in MySQL."""
    statement = "SELECT quantity, places_returned FROM campaign WHERE id = %s"
    [(quantity, places)] = cluster.rows(statement, campaign.id)
    return int(quantity), int(places)


def _of_campaign(rows: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    [(places, quantity)] = [row[2:4] for row in rows if row[0] == "campaign"]
    coupons = {row[2]: row for row in rows if row[0] == "coupon"}
    states, orders, returned = dict.fromkeys(coupons, ISSUED), dict.fromkeys(coupons, ""), []
    events = sorted((row[3], row) for row in rows if row[0] == "event")
    for _, (_, _, serial, _, kind, order, detail) in events:
        may_follow, leads_to = STEPS[kind]
        if states.get(serial) not in may_follow:
            yield f"{kind} of serial {serial}, which was {states.get(serial)}"
        states[serial] = leads_to
        orders[serial] = order if leads_to in {RESERVED, USED} else ""
        if place := json.loads(detail).get("place"):
            returned.append((place, serial))
    for serial, (_, _, _, _, state, order, _) in coupons.items():
        if state != states[serial] or (state != REVOKED and order != orders[serial]):
            yield f"serial {serial} is {state} {order}; its events say {states[serial]}"
    if sorted(place for place, _ in returned) != list(range(1, places + 1)):
        yield f"{places} places are returned, and these events name them: {returned}"
    if twice := [serial for serial, n in Counter(s for _, s in returned).items() if n > 1]:
        yield f"the places of the serials {twice} are returned twice"
    if len(coupons) - places > quantity:
        yield f"{len(coupons)} coupons, {places} places returned, and a quantity of {quantity}"


def _answered(cluster: Cluster, found: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """Yield the orders that were answered that they have used a coupon, and no event says so."""
    serials = {(row[1], row[2]): row[6] for row in found if row[0] == "coupon"}
    used = {
        (row[5], serials.get((row[1], row[2])))
        for row in found
        if row[0] == "event" and row[4] == "USED"
    }
    # A coupon that was used, cancelled and given back has another code by now.
    codes = set(serials.values())
    for order, code in cluster.shop.used - used:
        if code in codes:
            yield f"LAW: {order} was answered that it has used a coupon, and no event says so"
