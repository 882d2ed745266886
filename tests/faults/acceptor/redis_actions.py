"""The actions of the model on Redis. Each takes the state before, and returns the state after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor.holding import blank
from tests.faults.acceptor.world import mirrors, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.acceptor.events import ScriptRun
    from tests.faults.acceptor.server import Server


@mirrors("apply.pml", "admit", "user %d: the script says %e %d")
@mirrors("world.pml", "free_serial", "take_serial")
def admit(server: Server, run: ScriptRun) -> None:
    """Give users serials, one after the other, and note that MySQL does not have them yet.

    ``attempts > 0 && OPEN -> attempts--; admit(redis, me, serial)``
    ``PAUSED(server) -> outcome = PAUSED_NOW`` ``limit = LIMIT_NOW(server)``
    """
    server.require_open()
    redis = server.redis
    asked(server, run)
    for user, serial in _gifts(run):
        known = redis.applied.get(user)
        require(known is None, "ALREADY_APPLIED", f"{user} has {known}")
        require(not redis.is_paused, "PAUSED", f"{user} gets {serial} while it is paused")
        limit, was_returned = redis.limit_at(run.at_s), serial in redis.returned
        _take_serial(server, serial)
        why = f"{serial} is above {limit}, the last one released"
        require(was_returned or serial <= limit, "LIMIT_NOW", why)
        redis.applied[user] = serial
        redis.pending.add(user)


def asked(server: Server, run: ScriptRun) -> None:
    """Note each admission that the script found, and that is not pending.

    ``outcome == ALREADY_APPLIED && !server.pending[user]``
    """
    redis = server.redis
    found = {words[-1] for words in run.commands if words[:2] == ("ZSCORE", "pending")}
    settled = redis.applied.keys() & found - redis.pending
    server.world.safe |= {(user, redis.applied[user]) for user in settled}


@mirrors("apply.pml", "CONFIRMED")
def confirmed(server: Server, run: ScriptRun) -> None:
    """Say that the campaign is open under the fence of the admission: it said so with a PERSIST.

    ``OPEN && redis.fence == under``. For replicas it writes that fence again, and changes nothing.
    """
    server.require_open()
    under = int(run.args[1])
    require(server.redis.fence == under, "CONFIRMED", f"fence {server.redis.fence}, not {under}")
    server.world.confirmed[under].append(run.at_s)


@mirrors("consume.pml", "settle", "settle: user %d, serial %d, issued %d")
@mirrors("consume.pml", "settle_all")
def settle(server: Server, run: ScriptRun) -> None:
    """Clear what MySQL has from pending, and take over a row that Redis does not know.

    ``is_issued && redis.applied[user] != serial && redis.epoch != 0 && MAY_BE_HELD(serial)``
    ``redis.applied[user] == serial && (is_issued || OF_THIS_ADMISSION(its_fence))``
    """
    state, _, its_fence, *words = run.args
    is_issued, redis, world = state != "failed_event", server.redis, server.world
    n = len(words) // (3 if state == "pseudonymous" else 2)
    users, serials, names = words[:n], words[n : 2 * n], words[2 * n :] or words[:n]
    is_of_this = its_fence == "0" or (server.is_open and redis.fence == int(its_fence))
    for user, number, name in zip(users, serials, names, strict=True):
        serial = int(number)
        where = world.rows if is_issued else world.failed
        require((user, serial) in where, "HAS_INDEX", f"MySQL has no {state} of {user}, {serial}")
        if name != user and user not in redis.applied and name in redis.applied:
            continue  # erased since then: the id does not come back
        # A campaign that is lost is restored with this row; one that was archived stays away.
        may_be_held = redis.epoch and blank(serial) not in redis.applied
        if is_issued and may_be_held and redis.applied.get(user) != serial:
            redis.applied[user] = serial
            redis.returned = [n for n in redis.returned if n != serial]
        if redis.applied.get(user) == serial and (is_issued or is_of_this):
            redis.pending.discard(user)


@mirrors("redrive.pml", "reassign", "redrive: user %d shall have serial %d instead")
def reassign(server: Server, run: ScriptRun) -> None:
    """Give another serial to a user whose own is another user's.

    ``event != 0 && !is_written && OPEN -> reassign(FAILED_USER, serial)``
    """
    server.require_open()
    user, taken = run.args[0], int(run.args[1])
    known = server.redis.applied.get(user)
    require(known in {None, taken}, "reassign", f"{user} has {known} already")
    [(given_to, serial)] = _gifts(run)
    require(given_to == user, "reassign", f"the serial is {given_to}'s")
    _take_serial(server, serial)
    server.redis.applied[user] = serial
    server.redis.pending.add(user)


@mirrors("faults.pml", "Redis: EMPTIED")
def emptied(server: Server) -> None:
    """Forget all, in the same history: the fence and the epoch are gone, too.

    ``redis.epoch = 0;`` ``redis.fence = 0;``
    """
    server.redis = type(server.redis)()


@mirrors("faults.pml", "begin_history")
@mirrors("faults.pml", "Redis: RESTARTS, or its replica takes its place: history %d")
@mirrors("faults.pml", "Redis: its replica and its disk have all of it")
def begin_history(server: Server, history: str) -> None:
    """Begin a new history, with any earlier state; its name was never used before.

    ``#define NEW_HISTORY  history++``
    """
    names = server.world.histories
    require(history not in names, "NEW_HISTORY", f"{history} has been the name of another one")
    names.add(history)
    server.history = history


def _gifts(run: ScriptRun) -> list[tuple[str, int]]:
    """Return the users who were given a serial, in that order, each with it."""
    of_users = [words for words in run.commands if words[:2] == ("ZADD", "applied_user")]
    return [(user, int(float(serial))) for _, _, serial, user in of_users]


def _take_serial(server: Server, serial: int) -> None:
    redis = server.redis
    free = redis.free_serials()
    require(serial in free, "take_serial", f"{serial} is not free, {free or 'none'} would be")
    if serial in redis.returned:
        redis.returned = [n for n in redis.returned if n != serial]
    else:
        redis.count = serial


@mirrors("erase.pml", "erase", "Redis: user 0 is erased, the pseudonym has serial %d")
@mirrors("erase.pml", "scheduler:")
def erase(server: Server, run: ScriptRun) -> None:
    """Put pseudonyms in the place of users, after MySQL.

    ``OPEN && !APPLIED_MEANWHILE -> erase();`` ``redis.pseudonym = serial;`` A user who holds
    another serial than was seen applied meanwhile, and is left as before.
    """
    server.require_open()
    redis, world = server.redis, server.world
    words = run.args[3:]
    for user, seen, name, number in zip(*(words[n::4] for n in range(4)), strict=True):
        serial, held = int(number), redis.applied.get(user)
        if held is not None and held != int(seen):
            continue
        if serial and blank(serial) not in redis.applied:
            found = (name, serial) in world.rows
            require(found, "erase", f"MySQL has no row of {name}, {serial}")
            redis.applied[name] = serial
            if held is None:
                redis.returned = [n for n in redis.returned if n != serial]
        redis.applied.pop(user, None)
        redis.pending.discard(user)


ACTIONS: dict[str, Callable[[Server, ScriptRun], None]] = {
    "admission/admit": admit,
    "admission/confirm": confirmed,
    "admission/settle": settle,
    "admission/reassign": reassign,
    "privacy/erase": erase,
}
