"""What happened to one person: her presses, the calls that were made for her, the lab's faults."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lab.people import BY_ID
from lab.texts import SENTENCES, Text, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.judge.journal import RecordedCall
    from lab.judge.recording import Recording

EVENTS_MAX = 40
WORDS_LENGTH_MAX = 120
HEAD_LENGTH = 80  # of a longer text


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline; `times` counts neighbours that say the same."""

    ms: float  # from the beginning of the scenario
    actor: Text  # "app 1", or the name of the person
    server: str  # Redis, Kafka, MySQL; empty for what is not a call
    says: Text
    times: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return it with plain values."""
        return asdict(self)


def timeline(recording: Recording, user_id: str) -> list[Event]:
    """Return what happened to one person, in the order of time, and what MySQL has at the end."""
    person = _name(user_id)
    events = [
        Event(_ms(recording, press.began_s), person, "", text("event.press"))
        for press in recording.presses
        if press.user_id == user_id
    ]
    events += [_event(recording, call, user_id) for call in recording.timeline(user_id)]
    events = _merged(sorted(events, key=lambda event: event.ms))[:EVENTS_MAX]
    last_s = max((call.at_s for call in recording.calls), default=recording.began_s)
    rows = text("event.rows", coupons=recording.coupons[user_id])
    return [*events, Event(_ms(recording, last_s), _plain("lab"), "MySQL", rows)]


def _event(recording: Recording, call: RecordedCall, user_id: str) -> Event:
    key = f"event.{call.text}"
    if key in SENTENCES:
        actor = _name(user_id) if call.text == "answer" else _plain(call.actor)
        return Event(_ms(recording, call.at_s), actor, call.server, text(key, answer=call.answer))
    words = _around(user_id, call.text)
    if call.answer:
        words = f"{words} → {call.answer}"
    return Event(_ms(recording, call.at_s), _plain(call.actor), call.server, _plain(words))


def _merged(events: Iterable[Event]) -> list[Event]:
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if last and (last.actor, last.server, last.says) == (event.actor, event.server, event.says):
            found[-1] = Event(last.ms, last.actor, last.server, last.says, last.times + 1)
        else:
            found.append(event)
    return found


def _ms(recording: Recording, at_s: float) -> float:
    return round((at_s - recording.began_s) * 1000, 1)


def _plain(words: str) -> Text:
    """Return words that are the same in every language."""
    return {"en": words, "ko": words}


def _name(user_id: str) -> Text:
    return {"en": BY_ID[user_id].en, "ko": BY_ID[user_id].ko}


def _around(user_id: str, words: str) -> str:
    """Return a long text in short: its beginning, and the person where a batch names her."""
    if len(words) <= WORDS_LENGTH_MAX:
        return words
    head = words[:HEAD_LENGTH]
    is_named_later = user_id in words and user_id not in head
    return f"{head} … {user_id} …" if is_named_later else f"{head} …"
