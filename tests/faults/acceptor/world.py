"""What is known of all servers of a history, and how the actions refuse an event.

Each server's events are judged in that server's own order; no order between servers is assumed.
Where an action needs what another server did, it asks only whether that was done at some time. Such
a fact never becomes false again (records, rows, fences and ends are never taken back), so a journal
of the model is never rejected for an order that nothing has observed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tests.faults.acceptor.events import (
    CampaignChanged,
    CouponChanged,
    EndStored,
    Failed,
    FenceRaised,
    Observed,
    PlaceReturned,
    RowRenamed,
    RowWritten,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.faults.acceptor.events import Admission
    from tests.faults.acceptor.holding import Holding

Action = TypeVar("Action", bound="Callable[..., object]")

MIRRORED: dict[tuple[str, str], str] = {}
"""Model's file and what it mirrors there, to the function here."""


def mirrors(file: str, *names: str) -> Callable[[Action], Action]:
    """Say what an action mirrors: inlines, or steps of a proctype by what they SAY."""

    def note(action: Action) -> Action:
        for name in names:
            MIRRORED[file, name] = action.__name__
        return action

    return note


class NotEnabledError(Exception):
    """The model does not allow an event in this state; `guard` is its name in the model."""

    def __init__(self, guard: str, why: str) -> None:
        super().__init__(f"{guard}: {why}")


def require(holds: object, guard: str, why: str) -> None:
    """Refuse an event unless the guard holds."""
    if not holds:
        raise NotEnabledError(guard, why)


@dataclass(slots=True)
class World:
    """Facts that never become false again.

    admitted: what Redis had as pending, under which fence. safe: what its script found admitted and
    not pending. confirmed: fences, to the times at which Redis confirmed them. cut_off: what was in
    open servers that were killed, as far as their journals show it. given_back: rows. returned: how
    many places MySQL has returned. versions: of the row, each with its quantity and whether it is
    paused. noted: versions that were to be changed, each with the fence of that Redis. renamed:
    rows of users who were erased, to their pseudonyms; rows and given_back have both names of them.
    """

    seen: Observed
    places: dict[Admission, list[tuple[int, int]]] = field(default_factory=dict)
    of_place: dict[tuple[int, int], Admission] = field(default_factory=dict)
    ends: list[EndStored] = field(default_factory=list)
    rows: dict[tuple[str, int], RowWritten] = field(default_factory=dict)
    fences: set[int] = field(default_factory=set)
    failed: set[tuple[str, int]] = field(default_factory=set)
    admitted: set[Admission] = field(default_factory=set)
    safe: set[tuple[str, int]] = field(default_factory=set)
    cut_off: list[Holding] = field(default_factory=list)
    confirmed: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    begun: set[int] = field(default_factory=set)
    is_sold_out: bool = False
    histories: set[str] = field(default_factory=set)
    given_back: set[tuple[str, int]] = field(default_factory=set)
    returned: int = 0
    versions: set[tuple[int, int, bool]] = field(default_factory=set)
    noted: set[tuple[int, int]] = field(default_factory=set)
    renamed: dict[tuple[str, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Observed) -> World:
        """Collect what MySQL and the topic have at the end."""
        world = cls(seen, versions={(1, seen.quantity, False)})
        for sent in seen.topic:
            place = sent.partition, sent.offset
            world.places.setdefault(sent.admission, []).append(place)
            world.of_place[place] = sent.admission
        for event in seen.mysql:
            match event:
                case FenceRaised():
                    world.fences.add(event.fence)
                case EndStored():
                    world.ends.append(event)
                case RowWritten():
                    world.rows[event.user, event.serial] = event
                case CouponChanged() | RowRenamed():
                    world.change_row(event)
                case PlaceReturned():
                    world.returned = max(world.returned, event.places)
                case CampaignChanged():
                    world.versions.add((event.version, event.quantity, event.is_paused))
                case Failed():
                    user, serial, _ = world.of_place.get(
                        (event.partition, event.offset), ("", 0, 0)
                    )
                    world.failed.add((user, serial))
        return world

    def change_row(self, event: CouponChanged | RowRenamed) -> None:
        """Know which rows are given back, and one of an erased user under both names."""
        if isinstance(event, CouponChanged):
            self.given_back |= {(event.user, event.serial)} if event.given_back else set()
            return
        known, named = (event.user, event.serial), (event.pseudonym, event.serial)
        self.renamed[known] = event.pseudonym
        if known in self.rows:
            self.rows[named] = self.rows[known]
        if known in self.given_back:
            self.given_back.add(named)

    def is_held(self, applied: dict[str, int], user: str, serial: int) -> bool:
        """Return whether a Redis has the row of a user, also under the pseudonym."""
        names = user, self.renamed.get((user, serial), user)
        return any(applied.get(name) == serial for name in names)

    def note(self, holding: Holding, *, is_open: bool) -> None:
        """Remember what is pending: the relay and each new apply may send it under this fence."""
        pending = holding.pending & holding.applied.keys() if is_open else set()
        self.admitted |= {(user, holding.applied[user], holding.fence) for user in pending}
        if is_open and not holding.free_serials():
            self.is_sold_out = True

    def was_admitted(self, user: str, serial: int, fence: int) -> bool:
        """Return whether an open Redis had the user pending, with this serial, under this fence.

        A server that is killed may have responded and not yet shown it: the serial was free then.
        """
        return (user, serial, fence) in self.admitted or any(
            last.fence == fence and user not in last.applied and last.may_give(serial)
            for last in self.cut_off
        )

    def in_time(self, user: str, serial: int, before: int) -> bool:
        """Return whether a record of this pair is not late for the rebuilds before this fence."""
        ends = [end for end in self.ends if end.fence < before]
        return any(
            not is_late(fence, place, ends)
            for (its_user, its_serial, fence), places in self.places.items()
            if (its_user, its_serial) == (user, serial)
            for place in places
        )


def is_late(fence: int, place: tuple[int, int], ends: Iterable[EndStored]) -> bool:
    """Tell `late` of world.pml: behind the end that a rebuild with a higher fence has stored."""
    partition, offset = place
    return fence > 0 and any(
        end.fence > fence and end.partition == partition and offset >= end.offset for end in ends
    )
