"""MySQL for people who wait: after a failure they do not wait for it, for a second at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from handlers.adapters.circuit_breaker import CircuitBreaker
from handlers.adapters.mysql.database import OF_A_READER, Database
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.cursors import Cursor

    from handlers.database_address import DatabaseAddress

T = TypeVar("T")

# Of the threads of a process, a MySQL that is silent holds up as many as try within a reply's time.
OPEN_S = 1.0


class GuardedDatabase(Database):
    """A database with little patience, behind a circuit breaker of the process."""

    def __init__(
        self, address: Callable[[], DatabaseAddress], renew: Callable[[], bool] = lambda: False
    ) -> None:
        """Take what a Database takes."""
        super().__init__(address, renew, OF_A_READER)
        self._breaker = CircuitBreaker(failures_max=1, open_s=OPEN_S, server="mysql")

    def run(self, work: Callable[[Cursor], T]) -> T:
        """Return work(cursor) as a Database does; raise UnavailableError at once while open."""
        if not self._breaker.allows():
            message = "MySQL gave no answer a moment ago"
            raise UnavailableError(message)
        try:
            result = super().run(work)
        except UnavailableError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return result
