"""The actions of the model on coupons that are used or end, and on the places that are returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor.holding import blank
from tests.faults.acceptor.world import mirrors, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.acceptor.events import CouponChanged, PlaceReturned, ScriptRun
    from tests.faults.acceptor.mysql_actions import Tables
    from tests.faults.acceptor.server import Server

RESERVED, USED, REVOKED = "RESERVED", "USED", "REVOKED"


@mirrors("orders.pml", "change_state", "order %d: the coupon is %e")
@mirrors("ends.pml", "user %d gives serial %d back")
@mirrors("ends.pml", "an administrator revokes serial %d of user 0")
def change_state(tables: Tables, event: CouponChanged) -> None:
    """Change a coupon over the state that was read; one that has ended does not change any more.

    ``HAS_COUPON && state == was && order == its_order`` ``state != USED``
    ``STILL_SO(row - 1) && MAY_GIVE_BACK(row - 1)``
    """
    serial, before = event.serial, tables.states.get(event.serial, "")
    require(before == event.before, "AS_READ", f"serial {serial} is {before}, not {event.before}")
    require(before != REVOKED, "STILL_SO", f"serial {serial} has ended")
    if event.state == REVOKED:
        require(before != USED, "MAY_REVOKE", f"serial {serial} is used")
        tables.ended += 1
    if event.state == RESERVED:
        require(before != USED, "AS_READ", f"serial {serial} is used")
    if event.state == USED:
        require(before != USED, "AS_READ", f"serial {serial} is used by another order")
    tables.states[serial] = event.state
    if event.given_back:
        why = f"serial {serial} is not {event.user}'s"
        require(tables.serials.get(event.user) == serial, "MAY_GIVE_BACK", why)
        del tables.serials[event.user]


@mirrors("ends.pml", "return_place", "MySQL: user %d, serial %d ends: %d places are returned")
def return_place(tables: Tables, event: PlaceReturned) -> None:
    """Return one place, in the transaction in which a coupon ends, or later.

    ``places++;``
    """
    why = f"{event.places} places after {tables.places}, and {tables.ended} coupons have ended"
    is_next = event.places == tables.places + 1
    require(is_next and event.places <= tables.ended, "place_not_given_once", why)
    tables.places = event.places


@mirrors("ends.pml", "free_user", "Redis: knows of %d places")
@mirrors("ends.pml", "Redis: knows that serial %d was given back")
def give_places(server: Server, run: ScriptRun) -> None:
    """Give the next places that MySQL has returned, and free the users who gave theirs back.

    ``OPEN && redis.places < places`` Where it announces the places, it frees the users alone.
    """
    server.require_open()
    redis, world = server.redis, server.world
    before, after, pairs = int(run.args[1]), int(run.args[2]), run.args[5:]
    require(redis.places == before, "NEXT_RETURN", f"Redis has {redis.places}, not {before}")
    require(after <= world.returned, "places", f"MySQL has returned {world.returned}, not {after}")
    for user, number in zip(pairs[::2], pairs[1::2], strict=True):
        serial = int(number)
        is_given = (user, serial) in world.given_back
        require(is_given, "given_back", f"{user} did not give serial {serial} back")
        redis.applied[blank(serial)] = serial
        redis.returned = [n for n in redis.returned if n != serial]
        for name in (user, world.renamed.get((user, serial), user)):
            if redis.applied.get(name) == serial:
                del redis.applied[name]
                redis.pending.discard(name)
    if any(words[:3] == ("HSET", "campaign", "places_returned") for words in run.commands):
        redis.places = after


END_ACTIONS: dict[str, Callable[[Server, ScriptRun], None]] = {
    "campaign/return_places": give_places,
}
