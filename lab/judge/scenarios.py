"""The faults that every stage meets. Each function plays one and returns its recording."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab import people
from lab.judge.recording import ACCEPTED, QUOTA
from lab.judge.team import ProcessGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.judge.presses import Press
    from lab.judge.recording import Recording
    from lab.judge.stage_run import StageRun
    from lab.judge.team import Member

BURST = 1000
PRESSES_OF_ONE = 50
LOCKED_PEOPLE = 40
LOCKED_S = 2.4
# A person whose press was cut short presses again after a moment.
PRESS_AGAIN_AFTER_S = 1.2
FROZEN_S = 3.0
FROZEN_PEOPLE = 50
FROZEN_SPACING_S = 0.02
KILL_BEFORE_RESUME_S = 0.2
BATCH_PEOPLE = 3
# A batch that cannot be written comes again for ever; a busy machine takes some seconds for one.
DELIVERY_S_MAX = 10.0
OLD_COPY_S = 1.0
ROUNDS_MAX = 5
ROUND_S = 0.5
CALLS_MAX = 12


def burst(run: StageRun) -> Recording:
    """Let a thousand people press at once, for a hundred coupons."""
    with run.scenario():
        presses = run.press(people.ids(BURST))
        rows = run.settle(lambda rows: _all_have(presses, rows))
    return run.recording(presses, rows)


def impatient(run: StageRun) -> Recording:
    """Let one person press fifty times at once."""
    with run.scenario():
        presses = run.press(people.ids(1) * PRESSES_OF_ONE)
        rows = run.settle(lambda rows: _all_have(presses, rows))
    return run.recording(presses, rows)


def locked(run: StageRun) -> Recording:
    """Lock the table coupon, as an ALTER TABLE does, while people press."""
    with run.scenario():
        with run.world.locked_coupons(LOCKED_S):
            run.lab.note("MySQL", "locked")
            presses = run.press(people.ids(LOCKED_PEOPLE))
        rows = run.settle(lambda rows: _all_have(presses, rows))
    return run.recording(presses, rows)


def crash(run: StageRun) -> Recording:
    """Kill an app server after each of its calls; the person presses again later."""
    first, *others = people.ids(QUOTA + CALLS_MAX + 10)
    with run.scenario():
        presses = run.press([first])
        steps = _calls_of(run, first)
        killed = others[:steps]
        members = [run.team.start(f"app {3 + number}") for number in range(steps)]
        for member in members:
            member.ask("warm_up")
        for number, (member, user_id) in enumerate(zip(members, killed, strict=True)):
            presses += _press_killed(member, user_id, number + 1)
        _wait_until(time.monotonic() + PRESS_AGAIN_AFTER_S)
        presses += run.press(killed)
        presses += _press_until_answered(run, others[steps:])
        rows = run.settle(lambda rows: len(rows) >= QUOTA and set(killed) <= set(rows))
    return run.recording(presses, rows, killed)


def kafka_stands_still(run: StageRun) -> Recording:
    """Freeze Kafka for three seconds, and replace the app server meanwhile."""
    first, *others = people.ids(1 + FROZEN_PEOPLE)
    app = run.team.start("app 3")
    app.call("warm_up")
    with run.scenario():
        presses = app.call("press_all", [first], time.monotonic(), 0)
        run.settle(lambda rows: first in rows)
        until_s = time.monotonic() + FROZEN_S
        run.world.kafka.freeze()
        run.lab.note("Kafka", "frozen")
        try:
            presses += app.call("press_all", others, time.monotonic(), FROZEN_SPACING_S)
            _wait_until(until_s - KILL_BEFORE_RESUME_S)
            app.kill()
            run.lab.note("", "replaced")
            _wait_until(until_s)
        finally:
            run.world.kafka.resume()
        run.lab.note("Kafka", "resumed")
        rows = run.settle(lambda rows: _all_have(presses, rows))
    return run.recording(presses, rows)


def twice(run: StageRun) -> Recording:
    """Kill the consumer after each of its calls, and deliver the same batch again."""
    with run.scenario():
        run.end_delivery()
        begin = run.world.ends()
        presses = run.press(people.ids(BATCH_PEOPLE))
        _wait_for(lambda: sum(run.world.ends().values()) >= sum(begin.values()) + BATCH_PEOPLE)
        following = run.team.start("consumer 2")
        for kill_after in range(1, CALLS_MAX):
            # The next one starts while this one works.
            consumer, following = following, run.team.start(f"consumer {kill_after + 2}")
            if not _deliver_killed(run, consumer, begin, kill_after):
                break
        following.kill()
        run.begin_delivery(begin)
        rows = run.settle(lambda rows: _all_have(presses, rows))
    return run.recording(presses, rows)


def redis_forgets(run: StageRun) -> Recording:
    """Kill Redis, and start it with a copy that is one second old."""
    before, after = people.ids(QUOTA + 20), people.ids(QUOTA + 20, QUOTA + 20)
    with run.scenario():
        copied_s = time.monotonic()
        run.world.copy_redis()
        run.lab.note("Redis", "copied")
        presses = run.press(before)
        _wait_until(copied_s + OLD_COPY_S)
        run.world.restart_redis()
        run.lab.note("Redis", "restarted")
        presses += _press_until_answered(run, after)
        rows = run.settle(lambda rows: _all_have(presses, rows))
    return run.recording(presses, rows)


def _press_until_answered(run: StageRun, user_ids: Sequence[str]) -> list[Press]:
    """Let people press, and those with an error page or "try again" a few times more."""
    presses: list[Press] = []
    for _ in range(ROUNDS_MAX):
        answers = run.press(user_ids)
        presses += answers
        user_ids = [p.user_id for p in answers if p.answer in {"", "try again"}]
        if not user_ids:
            break
        _wait_until(time.monotonic() + ROUND_S)
    return presses


def _all_have(presses: Sequence[Press], rows: Sequence[str]) -> bool:
    return {press.user_id for press in presses if press.answer == ACCEPTED} <= set(rows)


def _calls_of(run: StageRun, user_id: str) -> int:
    """Return how many calls of servers one press takes."""
    calls = run.recording([], []).calls
    return min(
        CALLS_MAX,
        sum(1 for call in calls if call.user_id == user_id and call.server),
    )


def _press_killed(member: Member, user_id: str, kill_after: int) -> list[Press]:
    """Return the press when it ended before the process was killed."""
    member.answer()  # it is warm
    try:
        return [member.call("press_killed", user_id, kill_after)]
    except ProcessGoneError:
        return []


def _deliver_killed(
    run: StageRun, consumer: Member, begin: dict[int, int], kill_after: int
) -> bool:
    """Deliver from `begin` in this process; return whether it lived until it was killed."""
    consumer.call("deliver", begin, kill_after)
    deadline = time.monotonic() + DELIVERY_S_MAX
    while time.monotonic() < deadline:
        if consumer.was_killed(0.02):
            return True
        if run.world.committed() == run.world.ends():
            break
    consumer.kill()
    return False


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DELIVERY_S_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _wait_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))
