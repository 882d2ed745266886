"""Checks what was promised to shops, givers and administrators, and what holds of every coupon."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.harness.invariants import repeated
from tests.faults.engine.acts import GIVE_BACK, OF_SHOP, RESERVATIONS, REVOCATIONS
from tests.faults.engine.campaign_life import changes, released, sentences, shut
from tests.faults.engine.coupon_path import misstep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.harness.responses import ApplyResponse
    from tests.faults.engine.actors import Answer
    from tests.faults.engine.acts import Act
    from tests.faults.engine.stored import Stored, StoredEvent

KIND = {"redeem": "USED", "release": "RELEASED", "cancel": "CANCELLED"} | dict.fromkeys(
    RESERVATIONS, "RESERVED"
)
# Refusals that a coupon's or a campaign's state explains.
REFUSALS = frozenset(
    {
        *("RESERVED", "ALREADY_USED", "EXPIRED", "REVOKED", "COUPON_NOT_FOUND", "NOT_APPLIED"),
        *("QUANTITY_TOO_LOW", "PRECONDITION_FAILED"),
    }
)


@dataclass(frozen=True, slots=True)
class Life:
    """What was observed of a history besides the applications.

    quantity: at the beginning. has_right_times: whether a row's time is that of its admission.
    settled_s: since when Redis has had every place that was returned.
    has_takers: more users applied at the end than places were left.
    """

    quantity: int
    answers: Sequence[Answer]
    unanswered: Sequence[Act]
    responses: Sequence[ApplyResponse]
    stored: Stored
    settled_s: float
    has_takers: bool = True
    has_right_times: bool = True


def violations(life: Life) -> list[str]:
    """Return a sentence for every broken promise; none when all hold."""
    return [
        *_answers(life),
        *_places(life),
        *_states(life),
        *_orders(life),
        *_ended(life),
        *changes(life),
        *released(life),
        *shut(life),
    ]


def _answers(life: Life) -> Iterator[str]:
    """P6: every act is answered, by what its call may answer."""
    wrong = [
        f"{one.act}: {one.status} {one.code}"
        for one in life.answers
        if not one.is_done and not one.is_undecided and one.code not in REFUSALS
    ]
    waiting = [str(act) for act in life.unanswered]
    yield from sentences("P6", ("answered otherwise", wrong), ("without an answer", waiting))


def _places(life: Life) -> Iterator[str]:
    """P1: no place is given twice; each that was returned is given again where there are takers."""
    stored, campaign = life.stored, life.stored.campaign
    of_places = [one for one in stored.events if "place" in one.detail]
    places, returned = [one.detail["place"] for one in of_places], [o.serial for o in of_places]
    rows, kept = len(stored.coupons), len(stored.coupons) - len(set(returned))
    if rows > campaign.last_serial:
        yield f"P1: {rows} rows, and {campaign.last_serial} may be given"
    elif life.has_takers and rows < campaign.last_serial:
        yield f"P1: {campaign.last_serial - rows} places were not given although users applied"
    if kept > campaign.quantity:
        yield f"P1: {kept} coupons have kept their place, of {campaign.quantity}"
    if sorted(places) != list(range(1, campaign.places_returned + 1)):
        yield f"P1: {campaign.places_returned} places returned, and the events name {places}"
    twice = [serial for serial in returned if serial is not None]
    yield from sentences("P1", ("returned their place twice", repeated(twice)))
    owners = [one.user for one in stored.coupons if not one.given_back]
    yield from sentences("P2", ("more than one coupon not given back", repeated(owners)))


def _states(life: Life) -> Iterator[str]:
    """LAW: each coupon is in one state, to which the events of the coupon lead step by step."""
    of_coupons: dict[int, list[StoredEvent]] = defaultdict(list)
    for event in life.stored.events:
        if event.serial is not None:
            of_coupons[event.serial].append(event)
    wrong = [
        f"{coupon.serial} ({why})"
        for coupon in life.stored.coupons
        if (why := misstep(coupon, of_coupons.pop(coupon.serial, []), life.stored.expires_ms))
    ]
    yield from sentences("LAW", ("not as its events say", wrong))
    yield from sentences("LAW", ("events without a coupon", list(of_coupons)))


def _orders(life: Life) -> Iterator[str]:
    """P3: what a shop was answered is so, and is in coupon_event."""
    coupons = {one.serial: one for one in life.stored.coupons}
    lasting: dict[str, Answer] = {}
    for one in life.answers:
        if one.act.verb == "redeem" and one.is_done:
            lasting[one.act.order_id] = one
        elif one.act.verb == "cancel":  # it may be done, whatever became of its answer
            lasting.pop(one.act.order_id, None)
    unwritten = []
    for order, one in lasting.items():
        coupon = coupons.get(one.serial or 0)
        if coupon is None or (coupon.state, coupon.order_id) != ("USED", order):
            unwritten.append(f"{order} ({coupon})")
    cancelled = _last_cancelled(life) & {c.order_id for c in life.stored.coupons if c.has_use}
    serials = [one.serial or 0 for one in lasting.values()]
    yield from sentences(
        "P3",
        ("answered as redeemed, and not so", unwritten),
        ("answered as cancelled, and used", cancelled),
        ("coupons for two orders", repeated(serials)),
    )
    found = Counter(
        (one.kind, one.serial, one.order_id) for one in life.stored.events if one.order_id
    )
    new = Counter(
        (KIND[one.act.verb], one.serial, one.act.order_id)
        for one in life.answers
        if one.act.verb in OF_SHOP and one.status == 201
    )
    missing = [f"{key}" for key, times in new.items() if found[key] < times]
    yield from sentences("P3", ("changes answered without an event", missing))


def _last_cancelled(life: Life) -> set[str | None]:
    """Return the orders whose last call was a cancellation that was answered."""
    last: dict[str, Answer] = {}
    for one in life.answers:
        if one.act.verb in OF_SHOP:
            last[one.act.order_id] = one
    return {order for order, one in last.items() if one.act.verb == "cancel" and one.is_done}


def _ended(life: Life) -> Iterator[str]:
    """P3: a coupon that was given back or revoked is so, and is not promised any more."""
    coupons = {one.serial: one for one in life.stored.coupons}
    events = {(one.kind, one.serial) for one in life.stored.events}
    placed = {one.serial for one in life.stored.events if "place" in one.detail}
    wrong, unwritten, given_back = [], [], set()
    for one in life.answers:
        if not one.is_done or one.act.verb not in {GIVE_BACK, *REVOCATIONS}:
            continue
        coupon, is_given_back = coupons.get(one.serial or 0), one.act.verb == GIVE_BACK
        if is_given_back:
            given_back.add((one.act.about, one.serial))
        if coupon is None or coupon.state != "REVOKED" or coupon.given_back < is_given_back:
            wrong.append(f"{one.act} ({coupon})")
        kinds = ("GIVEN_BACK",) if is_given_back else ("REVOKED", "GIVEN_BACK")
        is_placed = one.serial in placed or one.act.verb == "revoke"
        if not is_placed or not any((kind, one.serial) in events for kind in kinds):
            unwritten.append(str(one.act))
    again = [
        f"{one.user}, {one.serial}"
        for one in life.responses
        if one.sent_s > life.settled_s and (one.user, one.serial) in given_back
    ]
    yield from sentences(
        "P3",
        ("answered as ended, and not so", wrong),
        ("ended without an event", unwritten),
        ("promised again after they were given back", again),
    )
