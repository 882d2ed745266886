"""What a process counts and measures, as plain numbers in memory: no library and no I/O.

Each home shows them in its own way: the programs of local/ to Prometheus, Lambda functions in log
lines for CloudWatch. Until a home switches them on, they count nothing and cost next to nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Labels = tuple[str, ...]
Histogrammed = list[float]  # the count of each bucket, of what is above the last one, and the sum
Value = TypeVar("Value", float, Histogrammed)

# There are few labels: routes, outcomes, campaigns. A mistake must not fill the memory of a process
# and of Prometheus; what comes beyond is counted under this label.
SERIES_MAX = 1000
REST = "_other"


class Metric(Generic[Value]):
    """A metric of this process; shared by all threads.

    labels: the names of its labels. Their values must be few: none that a client can choose freely,
    and none that belongs to a user.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, help_text: str, *labels: str) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = labels
        self._lock = Lock()
        self._values: dict[Labels, Value] = {}

    def snapshot(self) -> dict[Labels, Value]:
        """Return the numbers of this moment by the values of the labels."""
        with self._lock:
            return dict(self._values)

    def set_all(self, numbers: Mapping[Labels, Value]) -> None:
        """Set all numbers at once: what is not among them is not known any more, and not shown."""
        with self._lock:
            self._values = dict(numbers)

    def clear(self) -> None:
        """Forget everything; for a process that was forked, and for tests."""
        with self._lock:
            self._values.clear()

    def _key(self, values: Labels) -> Labels:
        if values in self._values or len(self._values) < SERIES_MAX:
            return values
        return (REST,) * len(values)


class Switch:
    """Whether this process counts."""

    __slots__ = ("is_on",)

    def __init__(self) -> None:
        self.is_on = False


COUNTING = Switch()


class Counter(Metric[float]):
    """Counts what happened; never goes down."""

    kind = "counter"

    def __init__(
        self, name: str, help_text: str, *labels: str, start: Sequence[str] | None = None
    ) -> None:
        """start: values of its one label that are shown from the beginning, as 0.

        Prometheus sees no increase in a number that appears as 1.
        """
        super().__init__(name, help_text, *labels)
        self._start: Sequence[Labels] = [()] if not labels else [(one,) for one in start or ()]

    def clear(self) -> None:
        """Begin with what is shown from the beginning."""
        with self._lock:
            self._values = dict.fromkeys(self._start, 0)

    def inc(self, values: Labels = (), count: float = 1) -> None:
        """Count."""
        if COUNTING.is_on:
            with self._lock:
                try:
                    self._values[values] += count
                except KeyError:
                    key = self._key(values)
                    self._values[key] = self._values.get(key, 0) + count


class Gauge(Metric[float]):
    """Holds how much there is at the moment."""

    kind = "gauge"

    def shift(self, values: Labels, by: float) -> None:
        """Raise or lower a number, also while this process does not count: a state is not lost."""
        with self._lock:
            key = self._key(values)
            self._values[key] = self._values.get(key, 0) + by


class Histogram(Metric[Histogrammed]):
    """Counts durations in buckets."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, *labels: str, buckets: Sequence[float]) -> None:
        """buckets: the upper bounds, in the unit of the name, ascending."""
        super().__init__(name, help_text, *labels)
        self.buckets = tuple(buckets)

    def observe(self, values: Labels, amount: float) -> None:
        """Count one."""
        if COUNTING.is_on:
            with self._lock:
                counts = self._values.get(values) or self._of(values)
                counts[bisect_left(self.buckets, amount)] += 1
                counts[-1] += amount

    def snapshot(self) -> dict[Labels, Histogrammed]:
        """Return copies: a sum must fit its counts."""
        with self._lock:
            return {values: counts[:] for values, counts in self._values.items()}

    def empty(self) -> Histogrammed:
        """Return the numbers of a histogram in which nothing is counted."""
        return [0] * (len(self.buckets) + 1) + [0.0]

    def _of(self, values: Labels) -> Histogrammed:
        return self._values.setdefault(self._key(values), self.empty())
