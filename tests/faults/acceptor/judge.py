"""Replays the journal of a history through the model's actions, and names what it does not allow.

The states are per server: each Redis (process and history), MySQL, the topic. An event that is not
enabled is a rejection; its server then continues with the state that was observed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor import promises
from tests.faults.acceptor.change_actions import CHANGE_ACTIONS
from tests.faults.acceptor.ends_actions import END_ACTIONS
from tests.faults.acceptor.events import Emptied, Left, RedisOrder, ScriptRun, Snapshot
from tests.faults.acceptor.holding import Holding, difference, writes
from tests.faults.acceptor.mysql_actions import Tables
from tests.faults.acceptor.rebuild_actions import REBUILD_ACTIONS
from tests.faults.acceptor.redis_actions import ACTIONS, asked, begin_history, emptied
from tests.faults.acceptor.server import Server
from tests.faults.acceptor.verdict import Verdict
from tests.faults.acceptor.world import NotEnabledError, World, require

if TYPE_CHECKING:
    from tests.faults.acceptor.events import Observed, RedisEvent

ALL_ACTIONS = ACTIONS | REBUILD_ACTIONS | END_ACTIONS | CHANGE_ACTIONS
ADMIT = "admission/admit"
# It writes, and changes nothing: a primary that is cut off cannot.
WITHOUT_EFFECT = frozenset({"rebuild/require_primary"})
# What changes a server that has just got the campaign, before a snapshot can show what it has: a
# closed campaign refuses the others. Their guards on other servers are judged, not their effects.
BLIND = frozenset({"rebuild/begin", "admission/settle"})


def judge(seen: Observed) -> Verdict:
    """Accept or reject a journal; one with a gap is not judged, since a cause may be missing."""
    unknown = filter(None, map(_unknown, seen.redis))
    gaps = [*seen.gaps, *(f"what Redis had before: {run}" for run in unknown)]
    world, verdict = World.of(seen), Verdict(gaps=tuple(gaps))
    if gaps:
        return verdict
    primary = None
    for order in seen.redis:
        server = _redis(world, order, verdict)
        primary = server if order.is_primary and server else primary
    tables = Tables(world)
    for event in seen.mysql:
        verdict.events += 1
        try:
            tables.step(event)
        except NotEnabledError as error:
            verdict.reject(event.at_s, event, error)
    _judge_outside(world, primary, verdict)
    return verdict


def _judge_outside(world: World, primary: Server | None, verdict: Verdict) -> None:
    seen, latest = world.seen, float("inf")
    for sent in seen.topic:
        verdict.events += 1
        try:
            promises.append(world, sent)
        except NotEnabledError as error:
            verdict.reject(latest, sent, error)
    for response in seen.responses:
        verdict.events += 1
        try:
            promises.respond(world, response)
        except NotEnabledError as error:
            verdict.reject(seen.started_s + response.latency_s, response, error)
    if seen.quiet and primary:
        try:
            promises.rest(world, primary)
        except NotEnabledError as error:
            verdict.reject(latest, "quiet", error)


def _unknown(order: RedisOrder) -> ScriptRun | None:
    """Return the first script that changed a state which no snapshot shows, if any."""
    is_known = False
    for event in order.events:
        if isinstance(event, Snapshot | Left):
            is_known = isinstance(event, Snapshot)
        elif is_known or not isinstance(event, ScriptRun):
            continue
        elif event.script in ALL_ACTIONS.keys() - BLIND and writes(event.commands):
            return event
    return None


def _redis(world: World, order: RedisOrder, verdict: Verdict) -> Server | None:
    """Judge one process of Redis; None when no snapshot shows what it has at the end."""
    server = Server(world, Holding(), "")
    for event in order.events:
        if isinstance(event, Left):
            server.is_known, server.redis = False, Holding()
        elif server.is_known:
            verdict.events += 1
            _judge(server, event, verdict)
        elif isinstance(event, Snapshot):
            _learn(server, event)
            _judge(server, event, verdict)
        elif isinstance(event, ScriptRun) and event.script in BLIND:
            verdict.events += 1
            _judge_blind(server, event, verdict)
    if order.died_s is not None and server.is_known and server.is_open:
        world.cut_off.append(server.redis)
    return server if server.is_known else None


def _learn(server: Server, event: Snapshot) -> None:
    """Take over what a snapshot shows: it is the first one, or the server decides again."""
    server.is_known, server.redis = True, event.holding.copy()
    if not event.begins:
        server.history = event.history
        server.world.histories.add(event.history)


def _judge(server: Server, event: RedisEvent, verdict: Verdict) -> None:
    after = server.redis.copy()
    try:
        after = _observed(after, event)
        _step(server, event)
        why = difference(server.redis, after)
        require(not why, "effect", why)
    except (NotEnabledError, ValueError) as error:
        verdict.reject(event.at_s, event, error)
        server.redis = after
    server.world.note(server.redis, is_open=server.is_open)


def _judge_blind(server: Server, event: ScriptRun, verdict: Verdict) -> None:
    try:
        _step(server, event)
    except NotEnabledError as error:
        verdict.reject(event.at_s, event, error)
    server.redis = Holding()


def _observed(holding: Holding, event: RedisEvent) -> Holding:
    """Return the state after an event, as the server's own commands have changed it."""
    match event:
        case Snapshot():
            return event.holding.copy()
        case Emptied():
            return Holding()
        case ScriptRun():
            for command in event.commands:
                holding.execute(command)
    return holding


def _step(server: Server, event: RedisEvent) -> None:
    """Take the model's step for an event."""
    match event:
        case Emptied():
            emptied(server)
        case Snapshot() if event.history != server.history:
            begin_history(server, event.history)
            if event.begins:
                server.redis = event.holding.copy()
                # Also what the process before it did in a last moment that is not in its journal.
                server.world.note(server.redis, is_open=server.redis.builder == 0)
        case ScriptRun() if event.script not in WITHOUT_EFFECT:
            if writes(event.commands):
                action = ALL_ACTIONS.get(event.script)
                require(action, "no action", "the model has no such step")
                assert action
                action(server, event)
            elif event.script == ADMIT:
                asked(server, event)
