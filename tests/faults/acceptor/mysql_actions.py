"""The actions of the model on MySQL, in the order in which its locks let them happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.domain.record import FailedStatus, Reason
from tests.faults.acceptor.change_actions import make
from tests.faults.acceptor.ends_actions import change_state, return_place
from tests.faults.acceptor.events import (
    CampaignChanged,
    CouponChanged,
    EndStored,
    Failed,
    FenceRaised,
    PlaceReturned,
    RowRenamed,
    RowWritten,
)
from tests.faults.acceptor.world import World, is_late, mirrors, require

if TYPE_CHECKING:
    from tests.faults.acceptor.events import MySQLEvent

ISSUED = "ISSUED"
COLLISIONS = frozenset({Reason.SERIAL_TAKEN, Reason.USER_HAS_OTHER_SERIAL})


@dataclass(slots=True)
class Tables:
    """MySQL as world.pml has it: the fence, the stored ends, the rows.

    serials: of the users' rows that are not given back. states: of all rows, by serial.
    """

    world: World
    fence: int = 0
    ends: list[EndStored] = field(default_factory=list)
    serials: dict[str, int] = field(default_factory=dict)
    states: dict[int, str] = field(default_factory=dict)
    ended: int = 0
    places: int = 0
    version: int = 1
    quantity: int = 0

    def __post_init__(self) -> None:
        self.quantity = self.world.seen.quantity

    def step(self, event: MySQLEvent) -> None:
        """Judge one event; raise NotEnabledError."""
        match event:
            case FenceRaised():
                raise_fence(self, event)
            case EndStored():
                store_end(self, event)
            case RowWritten():
                insert(self, event)
            case Failed(status=FailedStatus.PENDING):
                fail(self, event)
            case Failed(status=FailedStatus.RESOLVED):
                resolve(self, event)
            case CouponChanged() | RowRenamed():
                change_row(self, event)
            case PlaceReturned():
                return_place(self, event)
            case CampaignChanged():
                make(self, event)
            case Failed():
                pass  # DEAD: it waits for a serial


@mirrors("rebuild.pml", "rebuild %d: raises the fence to %d")
def raise_fence(tables: Tables, event: FenceRaised) -> None:
    """``fence++; mine = fence``."""
    require(event.fence == tables.fence + 1, "FENCE_FIRST", f"{event.fence} after {tables.fence}")
    tables.fence = event.fence


@mirrors("rebuild.pml", "store_end", "rebuild %d: stores its end under fence %d")
def store_end(tables: Tables, event: EndStored) -> None:
    """Draw the line: what is behind it, of an earlier fence, is late.

    ``fence == mine``
    """
    mine, has_begun = event.fence, event.fence in tables.world.begun
    require(tables.fence == mine, "MAY_STORE", f"the fence is {tables.fence}, not {mine}")
    require(has_begun, "MAY_BEGIN", f"no Redis was closed under fence {mine}")
    tables.ends.append(event)


@mirrors("consume.pml", "require_rows")
@mirrors("consume.pml", "insert", "MySQL: user %d has serial %d")
@mirrors("consume.pml", "MySQL: user %d does not get serial %d")
@mirrors("apply.pml", "user %d writes directly:")
@mirrors("erase.pml", "erasure: writes what is pending:")
def insert(tables: Tables, event: RowWritten) -> None:
    """Write a row that no guard blocks, from apply or a redrive (``fence == under``), or a record.

    A row does not show who wrote it. So it must be one that some writer of the model may write:
    an admission under the present fence, or a record in the topic that is not late.
    """
    user, serial, world = event.user, event.serial, tables.world
    last = tables.quantity + tables.places
    require(1 <= serial <= last, "P1_one_too_many", f"{user} has serial {serial} of {last}")
    require(user not in tables.serials, "P2_two_for_one_user", f"{user} has a row already")
    holds = serial not in tables.states
    require(holds, "durable_admissions_collide", f"serial {serial} has a row already")
    may_write = world.was_admitted(user, serial, tables.fence)
    why = f"{user}, {serial}: not admitted under fence {tables.fence}, and no record is in time"
    require(may_write or _is_in_time(tables, user, serial), "MAY_WRITE", why)
    tables.serials[user] = serial
    tables.states[serial] = ISSUED


def change_row(tables: Tables, event: CouponChanged | RowRenamed) -> None:
    """Change a coupon, or whose it is."""
    if isinstance(event, CouponChanged):
        change_state(tables, event)
    else:
        rename(tables, event)


@mirrors("erase.pml", "rename_rows", "MySQL: the rows of user 0 belong to a pseudonym")
def rename(tables: Tables, event: RowRenamed) -> None:
    """Erase the user of a row, which belongs to the pseudonym from then on.

    ``renamed = renamed | (coupon & OF_USER(-1, 0));``
    """
    serial, is_present = event.serial, tables.serials.get(event.user) == event.serial
    was_given_back = (event.user, serial) in tables.world.given_back
    why = f"serial {serial} is not {event.user}'s"
    require(is_present or was_given_back, "erase", why)
    if is_present:
        tables.serials[event.pseudonym] = tables.serials.pop(event.user)


@mirrors("consume.pml", "write", "MySQL: user %d, serial %d, came too late")
@mirrors("consume.pml", "MySQL: refuses user %d, failed_event has it")
@mirrors("consume.pml", "MySQL: refuses late user %d, failed_event has it")
def fail(tables: Tables, event: Failed) -> None:
    """Keep a record that becomes no row now: it is late, or MySQL refuses it for a while.

    ``durable_admissions_collide = 1;``
    """
    place = event.partition, event.offset
    admission = tables.world.of_place.get(place)
    if admission is None or tables.world.seen.strangers:
        return  # not a record of the model
    if event.reason == Reason.SUPERSEDED:
        why = f"{admission} at {place} came in time"
        require(is_late(admission[2], place, tables.ends), "late", why)
    is_collision = event.reason in COLLISIONS
    why = f"{admission} at {place}: {event.reason}"
    require(not is_collision, "durable_admissions_collide", why)


@mirrors("redrive.pml", "resolve")
@mirrors("redrive.pml", "redrive: what came too late is resolved, without a row")
def resolve(tables: Tables, event: Failed) -> None:
    """Resolve a failed event whose user has a row, or which is late.

    ``OF_USER(OWNED, FAILED_USER) != 0`` ``is_gone ->``
    """
    place = event.partition, event.offset
    admission = tables.world.of_place.get(place)
    if admission is None:
        return
    user, _, fence = admission
    is_written = user in tables.serials or (admission[:2]) in tables.world.rows
    may = is_written or is_late(fence, place, tables.ends)
    require(may, "RESOLVED", f"{user} has no row, and {place} is not late")


def _is_in_time(tables: Tables, user: str, serial: int) -> bool:
    """Return whether the topic has a record of this pair that is not late by now."""
    return any(
        not is_late(fence, place, tables.ends)
        for (its_user, its_serial, fence), places in tables.world.places.items()
        if (its_user, its_serial) == (user, serial)
        for place in places
    )
