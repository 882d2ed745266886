"""A batch from Kafka in parts, so that MySQL, Redis and Python work on it at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from handlers.domain.record import DecodedRecord, FailedEvent
    from handlers.domain.settlement import Settlement

    # Writes a part, calls what it is given while MySQL works, and returns what to settle.
    Write = Callable[["Part", Callable[[], None]], Iterable[Settlement]]
    Settle = Callable[[list[Settlement]], None]


class Part(NamedTuple):
    """Records of a batch: the coupon messages, as the ledger takes them, and the others."""

    accepted: Sequence[DecodedRecord]
    failed: Sequence[FailedEvent]


class Pipeline:
    """Writes the parts of a batch one after the other, each in a transaction of its own.

    While MySQL writes a part, the next one is prepared and Redis settles the one before it. Each
    part is committed before it is settled, as if it were a batch of its own; what is acknowledged
    is the whole batch, after its last part.

    unsettled: what is written and Redis has not heard of.
    """

    def __init__(self, parts: Iterator[Part], write: Write, settle: Settle) -> None:
        """Take the parts, each prepared when it is asked for, and what writes and settles them.

        settle: may raise UnavailableError.
        """
        self._parts = parts
        self._write = write
        self._settle = settle
        self._next: Part | None = None
        self._is_ahead = False
        self._settles_at_once = True
        self.unsettled: list[Settlement] = []

    def run(self) -> None:
        """Write all parts, and settle all but what `finish` does; raises what `write` raises."""
        self._work_ahead()
        while part := self._next:
            self._is_ahead = False
            written = self._write(part, self._work_ahead)
            self._work_ahead()  # where MySQL had nothing to do
            self.unsettled += written

    def finish(self) -> None:
        """Settle the rest; raise UnavailableError where that fails."""
        self._settle(self.unsettled)
        self.unsettled = []

    def _work_ahead(self) -> None:
        """Do, once, what can be done while MySQL writes a part."""
        if self._is_ahead:
            return
        self._is_ahead = True
        self._next = next(self._parts, None)
        if not (self._settles_at_once and self.unsettled):
            return
        try:
            self.finish()
        except UnavailableError:
            # MySQL's transaction must not wait for a silent Redis once more: at the end, then.
            self._settles_at_once = False
