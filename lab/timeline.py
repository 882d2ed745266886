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
WORDS_LENGTH_MAX = 160


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
    person = {"en": BY_ID[user_id].en, "ko": BY_ID[user_id].ko}
    events = [
        Event(_ms(recording, press.began_s), person, "", text("event.press"))
        for press in recording.presses
        if press.user_id == user_id
    ]
    events += [_event(recording, call, person) for call in recording.timeline(user_id)]
    events = _merged(sorted(events, key=lambda event: event.ms))[:EVENTS_MAX]
    last_s = max((call.at_s for call in recording.calls), default=recording.began_s)
    rows = text("event.rows", coupons=recording.coupons[user_id])
    return [*events, Event(_ms(recording, last_s), _plain("lab"), "MySQL", rows)]


def _event(recording: Recording, call: RecordedCall, person: Text) -> Event:
    key = f"event.{call.text}"
    if key in SENTENCES:
        is_hers = call.text == "answer"
        actor = person if is_hers else _plain(call.actor)
        return Event(_ms(recording, call.at_s), actor, call.server, text(key, answer=call.answer))
    words = f"{_shortened(call.text)} → {_shortened(call.answer)}" if call.answer else call.text
    return Event(
        _ms(recording, call.at_s), _plain(call.actor), call.server, _plain(_shortened(words))
    )


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


def _shortened(words: str) -> str:
    return words if len(words) <= WORDS_LENGTH_MAX else f"{words[:WORDS_LENGTH_MAX]} …"
