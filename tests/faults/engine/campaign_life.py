"""Checks what holds of a campaign that an administrator changes while users apply."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from handlers.domain import times
from local.harness.invariants import naming_all
from local.harness.responses import ACCEPTED
from tests.faults.engine.acts import CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.faults.engine.life import Life
    from tests.faults.engine.stored import StoredEvent

# People notice a change within a second everywhere.
NOTICED_S = 1.0


def changes(life: Life) -> Iterator[str]:
    """P3: a change that was answered is in MySQL, in Redis and in coupon_event, once."""
    stored = life.stored
    if stored.in_redis != stored.campaign or stored.unfinished:
        yield f"P3: Redis has {stored.in_redis} {stored.unfinished}, MySQL {stored.campaign}"
    changed = [one for one in stored.events if one.kind == "CHANGED"]
    versions = [one.detail["after"]["version"] for one in changed]
    if versions != list(range(2, stored.campaign.version + 1)):
        yield f"P3: version {stored.campaign.version}, and the events name {versions}"
        return
    at_version = _at_versions(life.quantity, changed)
    lost = []
    for one in life.answers:
        if one.act.verb in CHANGES and one.is_done and one.version:
            now = at_version.get(one.version, {})
            want = {name: value for name, value in one.wanted.items() if value != "now"}
            if any(_value(now.get(name)) != _value(value) for name, value in want.items()):
                lost.append(f"{one.act} ({now})")
    final, row = at_version[stored.campaign.version], stored.campaign
    if (final["quantity"], final["paused"]) != (row.quantity, row.paused):
        lost.append(f"the row is {row}, its events say {final}")
    yield from sentences("P3", ("changes answered that were not made", lost))


def _at_versions(quantity: int, changed: Sequence[StoredEvent]) -> dict[int, Mapping[str, object]]:
    """Return what each version has of the fields that were changed."""
    now: dict[str, object] = {"quantity": quantity, "paused": False}
    found: dict[int, Mapping[str, object]] = {1: now}
    for event in changed:
        now = now | event.detail["after"]
        found[event.detail["after"]["version"]] = now
    return found


def _value(value: object) -> object:
    """Return a time as a number, so that two notations of one are the same."""
    return times.from_iso(value) if isinstance(value, str) else value


def released(life: Life) -> Iterator[str]:
    """P1: no coupon is given before its release."""
    stored, given = life.stored, life.stored.campaign.places_returned
    for (_, by_now), (at_ms, _) in pairwise(stored.releases):
        given += by_now
        early = [
            coupon.serial
            for coupon in stored.coupons
            if coupon.serial > given and coupon.admitted_at_ms < at_ms
        ]
        if life.has_right_times:
            yield from sentences("P1", ("given before their release", early))


def shut(life: Life) -> Iterator[str]:
    """P1: no user is accepted who applied a second after a pause or an end was answered."""
    since, windows = None, []
    for one in life.answers:
        if one.act.verb in ("pause", "close") and one.is_done:
            since = (one.read_s + NOTICED_S, one.act.verb) if since is None else since
        elif since and one.act.verb in ("resume", "extend") and one.status != 412:
            windows.append((*since, one.sent_s))
            since = None
    early = [
        f"{each.user} ({verb})"
        for each in life.responses
        for from_s, verb, until_s in windows
        if each.outcome == ACCEPTED and each.sent_s > from_s and each.latency_s < until_s
    ]
    yield from sentences("P1", ("accepted by a campaign that does not admit", early))


def sentences(promise: str, *found: tuple[str, Sequence[object] | set[str | None]]) -> list[str]:
    """Return a sentence for each that occurred, which begins with the promise."""
    return [f"{promise}: {sentence}" for sentence in naming_all(*found)]
