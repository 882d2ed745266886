"""The actions of the model on Redis. Each takes the state before, and returns the state after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor.world import mirrors, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.acceptor.events import ScriptRun
    from tests.faults.acceptor.server import Server


@mirrors("apply.pml", "admit", "user %d: the script says %e %d")
@mirrors("world.pml", "take_serial")
def admit(server: Server, run: ScriptRun) -> None:
    """Give a user a serial, and note that MySQL does not have it yet.

    ``attempts > 0 && OPEN -> attempts--; admit(redis, me, serial)``
    """
    server.require_open()
    redis, user = server.redis, run.args[0]
    require(user not in redis.applied, "ALREADY_APPLIED", f"{user} has {redis.applied.get(user)}")
    serial = _given(run, user)
    _take_serial(server, serial)
    redis.applied[user] = serial
    redis.pending.add(user)


def asked(server: Server, run: ScriptRun) -> None:
    """Note an admission that the script found, and that is not pending.

    ``outcome == ALREADY_APPLIED && !server.pending[user]``
    """
    redis, user = server.redis, run.args[0]
    has_answered = any(words[:2] == ("ZSCORE", "pending") for words in run.commands)
    if has_answered and user in redis.applied and user not in redis.pending:
        server.world.safe.add((user, redis.applied[user]))


@mirrors("apply.pml", "CONFIRMED")
def confirmed(server: Server, run: ScriptRun) -> None:
    """Say that the campaign is open under the fence of the admission: it said so with a PERSIST.

    ``OPEN && redis.fence == under``
    """
    server.require_open()
    under = int(run.args[1])
    require(server.redis.fence == under, "CONFIRMED", f"fence {server.redis.fence}, not {under}")
    server.world.confirmed[under].append(run.at_s)


@mirrors("consume.pml", "settle", "settle: user %d, serial %d, issued %d")
@mirrors("consume.pml", "settle_all")
def settle(server: Server, run: ScriptRun) -> None:
    """Clear what MySQL has from pending, and take over a row that Redis does not know.

    ``redis.applied[user] == serial && (is_issued || OF_THIS_ADMISSION(its_fence))``
    """
    state, _, its_fence, *pairs = run.args
    is_issued, redis, world = state == "coupon", server.redis, server.world
    half = len(pairs) // 2
    is_of_this = its_fence == "0" or (server.is_open and redis.fence == int(its_fence))
    for user, number in zip(pairs[:half], pairs[half:], strict=True):
        serial = int(number)
        where = world.rows if is_issued else world.failed
        require((user, serial) in where, "HAS_INDEX", f"MySQL has no {state} of {user}, {serial}")
        if is_issued and redis.applied.get(user) != serial:
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
    serial = _given(run, user)
    _take_serial(server, serial)
    server.redis.applied[user] = serial
    server.redis.pending.add(user)


@mirrors("faults.pml", "Redis: EMPTIED")
def emptied(server: Server) -> None:
    """Forget all, in the same history: the fence and the epoch are gone, too.

    ``redis.epoch = 0;`` ``redis.fence = 0;``
    """
    server.redis = type(server.redis)()


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


def _given(run: ScriptRun, user: str) -> int:
    for name, key, *words in run.commands:
        if (name, key) == ("ZADD", "applied_user") and user in words[1::2]:
            return int(float(words[words.index(user) - 1]))
    require(holds=False, guard="admit", why=f"the script gave no serial to {user}")
    return 0


def _take_serial(server: Server, serial: int) -> None:
    redis = server.redis
    free = redis.free_serials(server.world.seen.quantity)
    require(serial in free, "take_serial", f"{serial} is not free, {free or 'none'} would be")
    if serial in redis.returned:
        redis.returned = [n for n in redis.returned if n != serial]
    else:
        redis.count = serial


ACTIONS: dict[str, Callable[[Server, ScriptRun], None]] = {
    "admission/admit": admit,
    "admission/confirm": confirmed,
    "admission/settle": settle,
    "admission/reassign": reassign,
}
