"""The laws: each looks at one recording and says whether its promise was kept, and to whom not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.judge.recording import QUOTA
from lab.texts import Text, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.judge.presses import Press
    from lab.judge.recording import Recording

State = Literal["kept", "broken", "none"]
# Longer than any answer under the burst on a busy machine, and shorter than a pool is waited for.
BURST_S_MAX = 5.0
# People press again when a page takes longer than that.
ANSWER_S_MAX = 0.9


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken promise to one person."""

    user_id: str
    what: Text


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a law says; `breaches` is empty when the promise was kept."""

    promise: str
    state: State
    counts: dict[str, int]
    breaches: Sequence[Breach]

    @property
    def seen(self) -> Text:
        """What was seen, in a few words; empty where the fault does not concern the stage."""
        if self.state == "none":
            return {"en": "", "ko": ""}
        return text(f"{self.promise}.seen", **self.counts)


def quota(recording: Recording) -> Ruling:
    """Never more coupons than the quota."""
    late = recording.accepted[QUOTA:]
    if len(recording.rows) <= QUOTA:
        late = []
    breaches = [
        Breach(user_id, text("too_many", user_id=user_id, before=QUOTA + place, quota=QUOTA))
        for place, user_id in enumerate(late)
    ]
    return _verdict(
        "quota", breaches, {"rows": len(recording.rows), "quota": QUOTA},
        is_broken=len(recording.rows) > QUOTA,
    )  # fmt: skip


def answered(recording: Recording) -> Ruling:
    """Everybody reads yes or no."""
    breaches = _unanswered(recording.presses, BURST_S_MAX)
    counts = {"unanswered": len(breaches), "presses": len(recording.presses)}
    return _verdict("answered", breaches, counts)


def one_each(recording: Recording) -> Ruling:
    """Give no person two coupons."""
    return _verdict("one_each", _several(recording), {"rows": len(recording.rows)})


def mysql_pause(recording: Recording) -> Ruling:
    """While MySQL cannot write, everybody has the answer at once."""
    breaches = _unanswered(recording.presses, ANSWER_S_MAX)
    counts = {"late": len(breaches), "presses": len(recording.presses)}
    return _verdict("mysql_pause", breaches, counts)


def retried(recording: Recording) -> Ruling:
    """Let nothing be lost that could not be written at first."""
    return _nothing_lost("retried", recording)


def crash(recording: Recording) -> Ruling:
    """Give a coupon to each whose press was cut short and who presses again; leave none over."""
    answers = {press.user_id: press.answer or "an error" for press in recording.presses}
    barred = [
        Breach(user_id, text("barred", user_id=user_id, step=step, answer=answers[user_id]))
        for step, user_id in enumerate(recording.struck, start=1)
        if not recording.coupons[user_id]
    ]
    unused = max(0, QUOTA - len(recording.rows))
    refused = [p.user_id for p in recording.presses if p.answer == "sold out"]
    left_over = [
        Breach(user_id, text("unused", user_id=user_id, unused=unused, quota=QUOTA))
        for user_id in refused[: unused or None]
        if unused
    ]
    counts = {"barred": len(barred), "killed": len(recording.struck), "unused": unused}
    return _verdict("crash", barred + left_over, counts, is_broken=bool(barred) or unused > 0)


def kafka(recording: Recording) -> Ruling:
    """Give a coupon to each who has read "accepted"."""
    return _nothing_lost("kafka", recording)


def twice(recording: Recording) -> Ruling:
    """Let a record that comes again change nothing."""
    breaches = _several(recording) + _lost(recording)
    counts = {"rows": len(recording.rows), "people": len(recording.accepted)}
    return _verdict("twice", breaches, counts)


def redis(recording: Recording) -> Ruling:
    """After Redis forgot a second, there is no second quota, and no coupon is lost."""
    lost, counted = _lost(recording), quota(recording)
    counts = counted.counts | {"lost": len(lost)}
    return _verdict(
        "redis",
        [*counted.breaches, *lost],
        counts,
        is_broken=bool(lost) or counted.state == "broken",
    )


def _nothing_lost(promise: str, recording: Recording) -> Ruling:
    lost = _lost(recording)
    return _verdict(promise, lost, {"lost": len(lost), "accepted": len(recording.accepted)})


def _lost(recording: Recording) -> list[Breach]:
    return [Breach(user_id, text("lost", user_id=user_id)) for user_id in recording.lost]


def _several(recording: Recording) -> list[Breach]:
    return [
        Breach(user_id, text("several", user_id=user_id, coupons=count))
        for user_id, count in recording.coupons.most_common()
        if count > 1
    ]


def _unanswered(presses: Sequence[Press], limit_s: float) -> list[Breach]:
    """Return the people with an error page, and those who waited longer than `limit_s`."""
    found = []
    for press in sorted(presses, key=lambda press: press.ended_s):
        waited_s = press.ended_s - press.began_s
        values = {"user_id": press.user_id, "ms": waited_s * 1000, "error": press.error}
        if not press.answer:
            found.append(Breach(press.user_id, text("no_answer", **values)))
        elif waited_s > limit_s:
            found.append(Breach(press.user_id, text("late_answer", **values)))
    return found


def _verdict(
    promise: str,
    breaches: Sequence[Breach],
    counts: dict[str, int],
    *,
    is_broken: bool | None = None,
) -> Ruling:
    broken = bool(breaches) if is_broken is None else is_broken
    return Ruling(promise, "broken" if broken else "kept", counts, breaches)


def not_concerned(promise: str) -> Ruling:
    """Return the ruling on a stage that does not use the server that the fault strikes."""
    return Ruling(promise, "none", {}, ())
