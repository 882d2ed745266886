"""The actions of the model on a campaign that changes: noted in Redis, made in MySQL, pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor.holding import fields_of
from tests.faults.acceptor.world import mirrors, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.acceptor.events import CampaignChanged, ScriptRun
    from tests.faults.acceptor.mysql_actions import Tables
    from tests.faults.acceptor.server import Server

PAUSED_ARG = 6  # of the arguments of narrow
WITHOUT_FIELDS = 6  # of the arguments of push


@mirrors("change.pml", "narrow", "Redis: narrows the quantity to %d")
@mirrors("change.pml", "Redis: is paused", "Redis: notes that it goes on")
def narrow(server: Server, run: ScriptRun) -> None:
    """Note a change, and take what it narrows, if no higher serial was given.

    ``redis.noted = what;`` ``under = redis.fence;``
    ``redis.count <= NARROWED && redis.applied[0] <= NARROWED``
    """
    server.require_open()
    redis, base, lower = server.redis, int(run.args[1]), run.args[3]
    require(not redis.is_noted, "IS_NOTED", "another change is noted")
    version = redis.version or 1
    require(version == base, "redis.version", f"version {version}, not {base}")
    if lower and int(lower) < redis.quantity:
        highest = max([redis.count, *redis.applied.values()])
        limit = int(lower) + redis.places
        require(highest <= limit, "HAS_ROOM", f"serial {highest} was given, {limit} is the last")
        redis.quantity = int(lower)
    redis.is_paused = redis.is_paused or run.args[PAUSED_ARG] == "1"
    redis.is_noted = True
    server.world.noted.add((base, redis.fence))


@mirrors("change.pml", "make", "MySQL: the quantity is %d", "MySQL: paused is %d")
def make(tables: Tables, event: CampaignChanged) -> None:
    """Change the row under the fence under which the change was noted.

    ``fence == under`` ``serials > LAST_SERIAL - 1``
    """
    base, fence = event.version - 1, tables.fence
    require(base == tables.version, "version", f"{event.version} after {tables.version}")
    is_noted = (base, fence) in tables.world.noted
    require(is_noted, "MAY_CHANGE", f"no change of version {base} is noted under fence {fence}")
    highest, last = max(tables.states, default=0), event.quantity + tables.places
    require(highest <= last, "LAST_SERIAL", f"serial {highest} has a row, {last} is the last")
    tables.version, tables.quantity = event.version, event.quantity


@mirrors("change.pml", "push", "Redis: has version %d")
def push(server: Server, run: ScriptRun) -> None:
    """Take over a row that MySQL has had, unless a later one is here or this one is changed.

    ``OPEN && redis.version <= its_version && (!IS_NOTED || GIVEN_UP)``
    """
    server.require_open()
    if ("HDEL", "campaign", "change") not in {words[:3] for words in run.commands}:
        return  # it has announced that the campaign grows
    redis, fields = server.redis, fields_of(run.args[WITHOUT_FIELDS:])
    version, quantity, refused = int(fields["version"]), int(fields["quantity"]), run.args[4]
    had = redis.version or 1
    may = had < version or (had == version and (not redis.is_noted or refused))
    require(may, "MAY_PUSH", f"Redis has version {had}, noted: {redis.is_noted}")
    is_paused = fields["paused"] == "1" if "paused" in fields else redis.is_paused
    row = version, quantity, is_paused
    require(row in server.world.versions, "its_version", f"MySQL never had {row}")
    redis.version, redis.quantity, redis.is_paused = row
    redis.is_noted = False


CHANGE_ACTIONS: dict[str, Callable[[Server, ScriptRun], None]] = {
    "change/narrow": narrow,
    "change/push": push,
}
