"""One Redis, as the actions of the model change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.acceptor.world import World, require

if TYPE_CHECKING:
    from tests.faults.acceptor.holding import Holding


@dataclass(slots=True)
class Server:
    """A Redis whose events are judged: what it has, and the history that it continues.

    is_known: a snapshot has shown what it has.
    """

    world: World
    redis: Holding
    history: str
    is_known: bool = False

    @property
    def is_open(self) -> bool:
        """``redis.epoch == history && redis.builder == 0``."""
        return self.redis.epoch == self.history and self.redis.builder == 0

    def require_open(self) -> None:
        """Refuse what needs an open campaign."""
        why = f"the epoch is {self.redis.epoch!r}, builder {self.redis.builder}"
        require(self.is_open, "OPEN", f"{why}, the history {self.history!r}")
