"""What a Redis has of one campaign, and what commands change in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from handlers.domain.releases import Releases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.acceptor.events import Command

REBUILDING = "rebuilding:"
STATE = frozenset({"campaign", "applied_user", "coupon_count", "returned", "pending"})
OPTIONS = frozenset({"NX", "XX", "GT", "LT", "CH", "INCR"})
WRITES = frozenset({"ZADD", "ZREM", "SET", "LPOP", "RPUSH", "LREM", "HSET", "HDEL", "PERSIST"})
# fmt: off
READS = frozenset({
    "HGET", "HMGET", "GET", "EXISTS", "LINDEX", "LLEN", "LPOS",
    "ZCARD", "ZCOUNT", "ZMSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZRANK", "ZSCORE",
})
# fmt: on


@dataclass(slots=True)
class Holding:
    """`Holding` of world.pml. builder: the fence of the rebuild that has the campaign, else 0.

    applied: a serial that was given back is held by a blank and itself, which is no user.
    """

    applied: dict[str, int] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    count: int = 0
    returned: list[int] = field(default_factory=list)
    epoch: str = ""
    builder: int = 0
    fence: int = 0
    quantity: int = 0
    places: int = 0
    version: int = 0
    is_noted: bool = False
    is_paused: bool = False
    releases: str = ""

    @property
    def limit(self) -> int:
        """`LIMIT` of world.pml."""
        return self.quantity + self.places

    def limit_at(self, at_s: float) -> int:
        """`LIMIT_NOW` of world.pml, by this server's clock."""
        released = Releases.parse(self.releases).released(self.quantity, round(at_s * 1000))
        return released + self.places

    def copy(self) -> Holding:
        """Return one that changes by itself."""
        return replace(
            self, applied=dict(self.applied), pending=set(self.pending), returned=[*self.returned]
        )

    def set_epoch(self, text: str) -> None:
        """Take over the epoch as the campaign's hash spells it."""
        if text.startswith(REBUILDING):
            _, builder, self.epoch = text.split(":")
            self.builder = int(builder)
        else:
            self.epoch, self.builder = text, 0

    def free_serials(self) -> list[int]:
        """Return what `take_serial` of world.pml may give: of `returned`, else one above count."""
        if self.returned:
            return self.returned
        held = set(self.applied.values())
        above = (n for n in range(self.count + 1, self.limit + 1) if n not in held)
        return [lowest] if (lowest := next(above, 0)) else []

    def may_give(self, serial: int) -> bool:
        """Return whether this serial is one of those that the next admissions get."""
        is_new = serial > self.count and serial not in self.applied.values()
        return serial in self.returned or is_new

    def execute(self, command: Command) -> None:
        """Change what this command changes; raise ValueError for one that is unknown."""
        name, key, *words = command
        if key not in STATE or name in READS:
            return
        if name not in WRITES:
            message = f"{name} on {key}"
            raise ValueError(message)
        words = [word for word in words if word not in OPTIONS]
        match name, key:
            case "PERSIST", _:
                pass  # a write that changes nothing: a primary that is cut off cannot make it
            case "HDEL", "campaign":
                self.is_noted = self.is_noted and "change" not in words
            case "HSET", "campaign":
                self._set_fields(dict(_pairs(words)))
            case "SET", "coupon_count":
                self.count = _int(words[0])
            case _, "applied_user" | "pending":
                self._execute_on_users(name, key, words)
            case _, "returned":
                self._execute_on_returned(name, words)
            case _:
                message = f"{name} on {key}"
                raise ValueError(message)

    def _execute_on_users(self, name: str, key: str, words: list[str]) -> None:
        match name, key:
            case "ZADD", "applied_user":
                self.applied |= {user: _int(n) for n, user in _pairs(words)}
            case "ZADD", _:
                self.pending |= {user for _, user in _pairs(words)}
            case "ZREM", "applied_user":
                self.applied = {u: n for u, n in self.applied.items() if u not in words}
            case "ZREM", _:
                self.pending -= set(words)

    def _execute_on_returned(self, name: str, words: list[str]) -> None:
        match name:
            case "LPOP":
                self.returned = self.returned[1:]
            case "RPUSH":
                self.returned = [*self.returned, *map(_int, words)]
            case "LREM":
                self.returned = [n for n in self.returned if n != _int(words[1])]

    def _set_fields(self, fields: dict[str, str]) -> None:
        if "epoch" in fields:
            self.set_epoch(fields["epoch"])
        self.fence = int(fields.get("fence", self.fence))
        self.quantity = int(fields.get("quantity", self.quantity))
        self.places = int(fields.get("places_returned", self.places))
        self.version = int(fields.get("version", self.version))
        self.is_noted = self.is_noted or "change" in fields
        self.is_paused = fields["paused"] == "1" if "paused" in fields else self.is_paused
        self.releases = fields.get("releases", self.releases)


def writes(commands: Sequence[Command]) -> list[Command]:
    """Return the commands that may change the state of the campaign."""
    return [each for each in commands if each[1:2] and each[1] in STATE and each[0] not in READS]


def blank(serial: int) -> str:
    """Return what holds a serial that was given back."""
    return f" {serial}"


def fields_of(words: Sequence[str]) -> dict[str, str]:
    """Return the fields of the campaign's hash that a script has got from MySQL."""
    return dict(_pairs(words))


def difference(expected: Holding, found: Holding) -> str:
    """Name what differs; "" when nothing does."""
    found_out = [
        f"{name} is {_short(mine, other)}, not {_short(other, mine)}"
        for name in Holding.__dataclass_fields__
        if (other := getattr(expected, name)) != (mine := getattr(found, name))
    ]
    return "; ".join(found_out)


def _short(one: object, other: object) -> object:
    """Leave out of a set or a dictionary what the other one has, too."""
    if isinstance(one, set) and isinstance(other, set):
        return sorted(one - other)
    if isinstance(one, dict) and isinstance(other, dict):
        return dict(sorted(one.items() - other.items()))
    return one


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


def _int(text: str) -> int:
    return int(float(text))
