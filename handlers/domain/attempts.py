"""The same work for several campaigns, of which some may be on a server that does not respond."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


# How an error names the list of all campaigns in Redis, which has the epoch.
LIST = "the list of campaigns"


class Attempts:
    """Notes what failed, so that the rest is still done."""

    def __init__(self, *, goes_on: bool) -> None:
        """goes_on: the next campaign may be on another server, as in a cluster."""
        self._goes_on = goes_on
        self.failures: dict[str, UnavailableError] = {}

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Note an UnavailableError of the block, or raise it where nothing else can succeed."""
        try:
            yield
        except UnavailableError as error:
            if not self._goes_on:
                raise
            self.failures[name] = error

    def raise_failures(self, what: str) -> None:
        """Raise UnavailableError naming all that failed, if anything did."""
        if self.failures:
            message = f"{what}: {', '.join(self.failures)}"
            raise UnavailableError(message) from next(iter(self.failures.values()))
