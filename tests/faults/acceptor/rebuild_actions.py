"""The actions of the model's rebuild on Redis, and the opening of a new campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor.events import EndStored, RowWritten
from tests.faults.acceptor.holding import Holding, blank, fields_of
from tests.faults.acceptor.redis_actions import begin_history
from tests.faults.acceptor.world import is_late, mirrors, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.acceptor.events import ScriptRun
    from tests.faults.acceptor.server import Server


@mirrors("coupon.pml", "init")
def open_new(server: Server, run: ScriptRun) -> None:
    """Open a campaign that Redis has never had, under MySQL's fence.

    ``redis.epoch = history;`` ``redis.fence = fence``
    """
    redis, fence = server.redis, int(run.args[1])
    require(redis == Holding(), "init", f"Redis has {redis}")
    require(fence in server.world.fences, "fence", f"MySQL never had fence {fence}")
    _follow(server, run)
    redis.epoch, redis.builder, redis.fence = server.history, 0, fence
    _take_row(server, run)


@mirrors("rebuild.pml", "rebuild %d: closes the campaign")
def begin(server: Server, run: ScriptRun) -> None:
    """Close the campaign, unless a rebuild with a higher fence has it.

    ``redis.builder < mine && redis.fence < mine``
    """
    redis, mine = server.redis, int(run.args[1])
    require(mine in server.world.fences, "FENCE_FIRST", f"MySQL never had fence {mine}")
    have = max(redis.builder, redis.fence)
    require(have < mine, "MAY_BEGIN", f"Redis has fence {have}, not below {mine}")
    _follow(server, run)
    redis.epoch, redis.builder = server.history, mine
    server.world.begun.add(mine)


@mirrors("rebuild.pml", "put_back", "unite", "rebuild: puts back user %d, serial %d")
@mirrors("rebuild.pml", "put_back_blanks")
@mirrors("rebuild.pml", "put_back_pseudonym", "rebuild: puts back the pseudonym, serial %d")
def put_back(server: Server, run: ScriptRun) -> None:
    """Write what is durable; another user with such a serial was not accepted.

    ``redis.epoch == history && redis.builder == mine``
    """
    redis, world, mine = server.redis, server.world, int(run.args[1])
    _require_builder(server, mine)
    triples = run.args[2:]
    for user, number, admitted_at in zip(triples[::3], triples[1::3], triples[2::3], strict=True):
        serial = int(number)
        if user == blank(serial):
            found = serial in {its_serial for _, its_serial in world.given_back}
            require(found, "put_back_blanks", f"no user gave serial {serial} back")
        elif admitted_at == "0":
            found = (user, serial) in world.rows or (user, serial) in world.failed
            require(found, "put_back", f"neither coupon nor failed_event has {user}, {serial}")
        else:
            why = f"no record of {user}, {serial} is in time for fence {mine}"
            require(world.in_time(user, serial, mine), "put_back", why)
        displaced = {u for u, n in redis.applied.items() if n == serial and u != user}
        redis.applied = {u: n for u, n in redis.applied.items() if u not in displaced}
        redis.pending -= displaced
        if redis.applied.get(user) != serial:
            redis.returned = [n for n in redis.returned if n != serial]
        redis.applied[user] = serial
        redis.pending = redis.pending - {user} | ({user} if admitted_at != "0" else set())


@mirrors("rebuild.pml", "return_gaps")
def return_gaps(server: Server, run: ScriptRun) -> None:
    """Assign serials up to the count without an owner again.

    ``users == 0 && i <= LAST_GAP`` ``#define LAST_GAP redis.count``
    """
    redis = server.redis
    _require_builder(server, int(run.args[1]))
    for serial in map(int, run.args[2:]):
        if serial not in redis.applied.values() and serial not in redis.returned:
            require(serial <= redis.count, "return_gaps", f"{serial} is above {redis.count}")
            redis.returned = [*redis.returned, serial]


@mirrors("rebuild.pml", "rebuild %d: opens with fence %d")
def opens(server: Server, run: ScriptRun) -> None:
    """Open, with all that is durable: what the rebuild has read, and what it must have read.

    ``HAS_IT ->``
    """
    redis, mine = server.redis, int(run.args[1])
    _require_builder(server, mine)
    _take_row(server, run)
    if not server.world.seen.strangers:
        _require_all(server, mine)
    users = set(redis.applied.values())
    require(len(users) == len(redis.applied), "durable_admissions_collide", "one serial, two users")
    redis.builder, redis.fence, redis.is_noted = 0, mine, False


def _take_row(server: Server, run: ScriptRun) -> None:
    """Take over the campaign's row, as MySQL has had it at some time."""
    redis, world, fields = server.redis, server.world, fields_of(run.args[2:])
    redis.version = int(fields.get("version", redis.version))
    redis.quantity = int(fields.get("quantity", redis.quantity))
    redis.places = int(fields.get("places_returned", redis.places))
    redis.is_paused = fields["paused"] == "1" if "paused" in fields else redis.is_paused
    redis.releases = fields.get("releases", redis.releases)
    row = redis.version or 1, redis.quantity, redis.is_paused
    require(row in world.versions, "read_row_of_campaign", f"MySQL never had {row}")
    why = f"MySQL has returned {world.returned} places, not {redis.places}"
    require(redis.places <= world.returned, "read_row_of_campaign", why)


def _require_all(server: Server, mine: int) -> None:
    """Require the rows of the moment of the end, and the records in time before it.

    A record before the end was read, or its offset was committed, hence its row or failed event.
    """
    world, applied = server.world, server.redis.applied
    ends = {end.partition: end.offset for end in world.ends if end.fence == mine}
    require(ends, "store_end", f"no end is stored under fence {mine}")
    for event in world.seen.mysql:
        if isinstance(event, EndStored) and event.fence == mine:
            break
        if isinstance(event, RowWritten):
            why = f"the row of {event.user}, {event.serial} is not in Redis"
            is_held = world.is_held(applied, event.user, event.serial)
            require(is_held or _is_blank(server, event.user, event.serial), "unite", why)
    earlier = [end for end in world.ends if end.fence < mine]
    for (user, serial, fence), places in world.places.items():
        read = [p for p in places if p[1] < ends.get(p[0], 0) and not is_late(fence, p, earlier)]
        fits = 1 <= serial <= server.redis.limit and (user, serial) not in world.given_back
        why = f"the record of {user}, {serial}, fence {fence}, at {read[:1]} is not in Redis"
        require(not (read and fits) or world.is_held(applied, user, serial), "unite", why)


def _is_blank(server: Server, user: str, serial: int) -> bool:
    is_given = (user, serial) in server.world.given_back
    return is_given and server.redis.applied.get(blank(serial)) == serial


def _require_builder(server: Server, mine: int) -> None:
    redis = server.redis
    has_it = redis.epoch == server.history and redis.builder == mine
    require(has_it, "HAS_IT", f"builder {redis.builder} of {redis.epoch!r}, not {mine}")


def _follow(server: Server, run: ScriptRun) -> None:
    """Learn of a history that began in between: the first replica of a server begins one."""
    written = Holding()
    for command in run.commands:
        written.execute(command)
    if written.epoch != server.history:
        begin_history(server, written.epoch)


REBUILD_ACTIONS: dict[str, Callable[[Server, ScriptRun], None]] = {
    "campaign/open": open_new,
    "rebuild/begin": begin,
    "rebuild/load": put_back,
    "rebuild/return_serials": return_gaps,
    "rebuild/reopen": opens,
}
