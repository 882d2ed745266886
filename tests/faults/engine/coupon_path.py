"""The states of one coupon, step by step as coupon_event has them, and at the end its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.engine.stored import StoredCoupon, StoredEvent

ISSUED, RESERVED, USED, REVOKED = "ISSUED", "RESERVED", "USED", "REVOKED"
# An event is written after MySQL's clock was read for its change; a frozen server delays it.
SLOW_MS = 4000


def misstep(
    coupon: StoredCoupon, events: Sequence[StoredEvent], expires_ms: int | None = None
) -> str:
    """Return what is wrong with a coupon, "" where nothing is. events: its own, in order."""
    state, order, over_ms, has_place = ISSUED, None, 0, False
    for event in events:
        # A reservation of another order must be over.
        is_free = state == ISSUED or (state == RESERVED and event.at_ms + SLOW_MS >= over_ms)
        is_of = order == event.order_id
        if expires_ms is not None and event.at_ms > expires_ms + SLOW_MS and state != RESERVED:
            is_free = False
        may = {
            "RESERVED": is_free,
            "USED": is_free or (state == RESERVED and is_of),
            "RELEASED": state == RESERVED and is_of,
            "CANCELLED": state == USED and is_of,
            "REVOKED": state in (ISSUED, RESERVED)
            or (state == REVOKED and "place" in event.detail and not has_place),
            "GIVEN_BACK": is_free,
        }
        if not may.get(event.kind):
            return f"{event.kind} of {event.order_id} where it is {state} of {order}"
        has_place = has_place or "place" in event.detail
        if event.kind in (RESERVED, USED):
            state, order = event.kind, event.order_id
            over_ms = event.at_ms + int(event.detail.get("ttl_s", 0)) * 1000
        else:
            state = ISSUED if event.kind in ("RELEASED", "CANCELLED") else REVOKED
            order = None
    has = coupon.state, coupon.order_id, coupon.has_end, coupon.has_use
    due = state, order, state == RESERVED, state == USED
    if has != due:
        return f"its events end as {state} of {order}, its row is {coupon}"
    is_given_back = bool(events) and events[-1].kind == "GIVEN_BACK"
    if coupon.given_back != is_given_back:
        return f"its row is {coupon}, and its last event is {events[-1:]}"
    return ""
