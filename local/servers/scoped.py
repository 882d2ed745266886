"""Servers that run inside a block: started at its beginning, removed at its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Scoped(ABC):
    """One server, or several that belong together."""

    @abstractmethod
    def start(self) -> None:
        """Start, and return when it serves."""

    @abstractmethod
    def remove(self) -> None:
        """End it and remove its data; harmless when it was not started."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()
