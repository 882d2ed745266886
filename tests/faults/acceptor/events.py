"""What is observed of a history, of each server in that server's own order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.responses import ApplyResponse
    from tests.faults.acceptor.holding import Holding

# Users of records that other programs have written into the topic.
FOREIGN = ("forger", "foreign-")
# A command of a script: its words, each key by the last part of its name.
Command = tuple[str, ...]
# A record of the topic as the model has it: user, serial, fence (0: none).
Admission = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """A Lua script that Redis ran: its arguments, and the commands that it executed."""

    at_s: float
    script: str
    args: tuple[str, ...]
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        return f"{self.script}({', '.join(self.args[:7])})"


@dataclass(frozen=True, slots=True)
class Emptied:
    """FLUSHALL."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a Redis had of the campaign at this place of its order.

    history: its own. begins: it was started, was promoted, or got the slot, just before.
    """

    at_s: float
    history: str
    holding: Holding
    begins: bool = False

    def __str__(self) -> str:
        return f"all that Redis has: {self.holding}"


@dataclass(frozen=True, slots=True)
class Left:
    """The server does not decide about the campaign any more: it is a replica, or without the slot.

    What it has from here on, another server gives it; a snapshot shows when it decides again.
    """

    at_s: float


RedisEvent = ScriptRun | Emptied | Snapshot | Left


@dataclass(frozen=True, slots=True)
class RedisOrder:
    """What one process of Redis did.

    died_s: when it was killed; what it did in the moment before may be missing. is_primary: at the
    end.
    """

    events: Sequence[RedisEvent]
    died_s: float | None = None
    is_primary: bool = True


@dataclass(frozen=True, slots=True)
class FenceRaised:
    """The campaign's fence in MySQL; the first one when it was created."""

    at_s: float
    fence: int


@dataclass(frozen=True, slots=True)
class EndStored:
    """How far the rebuild of a fence has read a partition."""

    at_s: float
    fence: int
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class RowWritten:
    """A row of coupon."""

    at_s: float
    user: str
    serial: int


@dataclass(frozen=True, slots=True)
class CouponChanged:
    """A row of coupon with another state, or that was given back.

    is_same_order: the order that has it is the one before.
    """

    at_s: float
    user: str
    serial: int
    before: str
    state: str
    given_back: bool
    is_same_order: bool


@dataclass(frozen=True, slots=True)
class RowRenamed:
    """A row of coupon whose user was erased: it belongs to the pseudonym."""

    at_s: float
    user: str
    pseudonym: str
    serial: int


@dataclass(frozen=True, slots=True)
class PlaceReturned:
    """The campaign's places_returned."""

    at_s: float
    places: int


@dataclass(frozen=True, slots=True)
class CampaignChanged:
    """The campaign's row after a change."""

    at_s: float
    version: int
    quantity: int
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A row of failed_event, or its new status."""

    at_s: float
    user: str
    reason: str
    status: str
    partition: int
    offset: int


MySQLEvent = (
    FenceRaised
    | EndStored
    | RowWritten
    | RowRenamed
    | Failed
    | CouponChanged
    | PlaceReturned
    | CampaignChanged
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A record of the campaign in the topic."""

    partition: int
    offset: int
    admission: Admission


@dataclass(frozen=True, slots=True)
class Observed:
    """The journal of a history.

    Read in this order, so that the causes of what was read are in what is read after it: Redis,
    MySQL, the topic. started_s: time.time() of the start signal of the responses. strangers: other
    programs wrote into the topic. quiet: it was read when nothing was left to do.
    """

    quantity: int
    redis: Sequence[RedisOrder]
    mysql: Sequence[MySQLEvent]
    topic: Sequence[Sent]
    responses: Sequence[ApplyResponse] = ()
    started_s: float = 0.0
    strangers: bool = False
    quiet: bool = True
    gaps: Sequence[str] = ()

    def lines(self) -> list[str]:
        """Return all of it to read, server by server."""
        of_redis = [(f"Redis {n}", one) for n, each in enumerate(self.redis) for one in each.events]
        others = [("MySQL", one) for one in self.mysql], [("topic", one) for one in self.topic]
        return [f"{server}: {event!r}" for server, event in [*of_redis, *others[0], *others[1]]]
