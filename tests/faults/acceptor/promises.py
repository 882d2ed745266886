"""The actions of the model that users and the wire see: records, responses, and quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT
from tests.faults.acceptor.events import FOREIGN
from tests.faults.acceptor.holding import blank
from tests.faults.acceptor.world import World, mirrors, require

if TYPE_CHECKING:
    from local.harness.responses import ApplyResponse
    from tests.faults.acceptor.events import Sent
    from tests.faults.acceptor.server import Server

# All servers and clients are on one machine, whose clock may be slewed meanwhile.
CLOCK_S = 0.005


@mirrors("world.pml", "append", "append_late", "send")
@mirrors("apply.pml", "user %d: Kafka has it and says so", "user %d: sent, and no ack")
@mirrors("relay.pml", "relayed", *(f"relay: sends user {user}" for user in range(3)))
@mirrors("relay.pml", "arrive", "wire: the record of user %d, serial %d arrives late")
@mirrors("relay.pml", "wire: the record of user %d, serial %d, fence %d arrives")
def append(world: World, sent: Sent) -> None:
    """Let a record arrive: an open Redis had its user pending, with this serial and fence.

    ``send(PAIR(user, redis.applied[user]), redis.fence)``
    """
    user, serial, fence = sent.admission
    has_sender = user.startswith(FOREIGN) or world.was_admitted(*sent.admission)
    require(has_sender, "send", f"no Redis admitted {user}, {serial} under fence {fence}")


@mirrors("apply.pml", "promise", "user %d: is told ACCEPTED, serial %d")
def promise(world: World, response: ApplyResponse) -> None:
    """Say ACCEPTED: confirmed after Kafka's ack, or MySQL has the row, or it was safe before.

    ``CONFIRMED -> promise(me, serial)``. Redis confirms a fence, not a user, so the time of the
    request says which confirmation counts.
    """
    user, serial = response.user, response.serial or 0
    sent_s = world.seen.started_s + response.sent_s - CLOCK_S
    received_s = world.seen.started_s + response.latency_s + CLOCK_S
    row = world.rows.get((user, serial))
    is_written = row is not None and row.at_s <= received_s
    is_confirmed = any(
        sent_s <= at_s <= received_s and (user, serial, fence) in world.places
        for fence, times in world.confirmed.items()
        for at_s in times
        if world.was_admitted(user, serial, fence)
    )
    was_safe = response.outcome == ALREADY_APPLIED and (user, serial) in world.safe
    # What a Redis did in the moment before it was killed may not be in its journal.
    is_unseen = any(sent_s <= (one.died_s or 0.0) <= received_s for one in world.seen.redis)
    why = f"{user} received {response.outcome} {serial}: no confirmation then, and no row by then"
    require(is_written or is_confirmed or was_safe or is_unseen, "CONFIRMED", why)


@mirrors("apply.pml", "leave")
def reject(world: World, response: ApplyResponse) -> None:
    """Say SOLD_OUT to a user: some open Redis had no serial left.

    ``serial == 0 -> outcome = SOLD_OUT``
    """
    is_true = world.is_sold_out or world.seen.strangers
    require(is_true, "take_serial", f"{response.user} received SOLD_OUT, and a serial was left")


@mirrors("quiet.pml", "Quiet", "quiet")
def rest(world: World, server: Server) -> None:
    """Have nothing left to do: open, nothing pending, a row for each promise, no serial lost.

    ``closed_for_good = !OPEN;`` ``pending_for_good = redis.pending[i];``
    ``P3_accepted_without_coupon = (told[i] && serials == 0);``
    """
    redis = server.redis
    require(server.is_open, "closed_for_good", f"the epoch is {redis.epoch!r}")
    require(not redis.pending, "pending_for_good", f"{sorted(redis.pending)}")
    if world.seen.strangers:
        return
    rows = dict(world.rows)
    for user, serial in rows:
        holder = blank(serial) if (user, serial) in world.given_back else user
        why = f"{holder!r} has row {serial}, and {redis.applied.get(holder)} in Redis"
        is_held = world.is_held(redis.applied, holder, serial)
        require(is_held, "coupon_unknown_to_redis", why)
        is_gone = (user, serial) not in world.renamed or user not in redis.applied
        require(is_gone, "erased", f"Redis has {user}, who was erased")
    why = f"Redis gives {redis.places} places more, MySQL {world.returned}"
    require(redis.places == world.returned, "place_not_given_once", why)
    row = redis.version or 1, redis.quantity, redis.is_paused
    why = f"MySQL never had {row}, or it is noted"
    is_made = not redis.is_noted and row in world.versions
    require(is_made, "change_left_half_done", why)
    for response in world.seen.responses:
        if response.outcome in {ACCEPTED, ALREADY_APPLIED}:
            why = f"{response.user}, {response.serial}"
            has_row = (response.user, response.serial or 0) in rows
            require(has_row, "P3_accepted_without_coupon", why)
    owned = {serial for _, serial in rows} | set(redis.returned)
    lost = set(range(1, redis.count + 1)) - owned
    require(not lost, "serial_lost_for_good", f"{sorted(lost)}")


def respond(world: World, response: ApplyResponse) -> None:
    """Judge the response that a client received."""
    if response.outcome in {ACCEPTED, ALREADY_APPLIED}:
        promise(world, response)
    elif response.outcome == SOLD_OUT:
        reject(world, response)
