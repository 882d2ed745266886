"""What this process's servers said last: remembered for a moment, asked by one thread each."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Condition, Thread

from handlers import log
from handlers.domain.errors import StaleStateError, UnavailableError
from handlers.domain.server_state import ServerState

# How long a state is remembered. However often it is called, a process asks each server no
# more than once in that time. A failure is shorter: an outage that is over shows within a second.
REMEMBERED_OK_S = 3.0
REMEMBERED_FAILURE_S = 1.0
# A server that has not replied by then is not available; Kafka and Redis have 2 s by default.
ANSWER_WITHIN_S = 3.0

Ping = Callable[[], None]


class Readiness:
    """The servers by name, and how to ping each; safe to use from many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, **pings: Ping) -> None:
        """Take a function for each server that returns where it responds.

        It raises StaleStateError or UnavailableError otherwise, and is called by one thread only,
        which is kept, as the connections that belong to it are.
        """
        self._probes = {name: _Probe(name, ping, clock) for name, ping in pings.items()}

    def remembered(self) -> dict[str, ServerState] | None:
        """Return the state of each server if no call has to wait for one, else None. No I/O."""
        known = {name: probe.known() for name, probe in self._probes.items()}
        states = {name: state for name, state in known.items() if isinstance(state, ServerState)}
        return states if len(states) == len(known) else None

    def states(self) -> dict[str, ServerState]:
        """Return the state of each server, within ANSWER_WITHIN_S.

        Asks those whose state is too old, all at once. An error that no ping may raise is raised
        here, to each call that waited for it.
        """
        for probe in self._probes.values():
            probe.begin()
        return {name: probe.state() for name, probe in self._probes.items()}

    def close(self) -> None:
        """Let the threads end, each after its current ping."""
        for probe in self._probes.values():
            probe.close()


class _Probe:
    """One server: its state, and the only thread that asks it."""

    def __init__(self, name: str, ping: Ping, clock: Callable[[], float]) -> None:
        self._name = name
        self._ping = ping
        self._clock = clock
        self._changed = Condition()
        self._state: ServerState | Exception = ServerState.UNAVAILABLE
        self._until = 0.0  # the state is remembered
        self._began: float | None = None  # when the ping that runs was asked for
        self._is_late = False
        # What the thread shall call; None ends it.
        self._orders: SimpleQueue[Ping | None] | None = None

    def known(self) -> ServerState | Exception | None:
        """Return the state, or what the ping raised, if it needs no wait; else None."""
        with self._changed:
            return self._known()

    def begin(self) -> None:
        """Ask the server, unless its state is known or the thread is asking it already."""
        with self._changed:
            if self._began is not None or self._known() is not None:
                return
            self._orders = self._orders or self._started()
            self._orders.put(self._ping)
            self._began, self._is_late = self._clock(), False

    def state(self) -> ServerState:
        """Return the state once it is known; raise what the ping must not have raised."""
        with self._changed:
            while (state := self._known()) is None and self._began is not None:
                self._changed.wait(max(0.0, self._began + ANSWER_WITHIN_S - self._clock()))
            # None: it was known, but for so short a time that this thread woke too late.
            answer = self._state if state is None else state
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        with self._changed:
            if self._orders is not None:
                self._orders.put(None)

    def _known(self) -> ServerState | Exception | None:
        now = self._clock()
        if self._began is None:
            return self._state if now < self._until else None
        if now < self._began + ANSWER_WITHIN_S:
            return None
        if not self._is_late:
            self._is_late = True
            self._report(f"no reply within {ANSWER_WITHIN_S:g} s")
        return ServerState.UNAVAILABLE

    def _started(self) -> SimpleQueue[Ping | None]:
        """Start the thread; return its queue."""
        orders = SimpleQueue[Ping | None]()
        # A daemon: a server that never replies must not keep the process from stopping.
        name = f"ready-{self._name}"
        Thread(target=self._serve, args=(orders,), name=name, daemon=True).start()
        return orders

    def _serve(self, orders: SimpleQueue[Ping | None]) -> None:
        while (ping := orders.get()) is not None:
            state = self._asked(ping)
            with self._changed:
                remembered_s = REMEMBERED_OK_S if state is ServerState.OK else REMEMBERED_FAILURE_S
                self._state, self._until = state, self._clock() + remembered_s
                self._began = None
                self._changed.notify_all()

    def _asked(self, ping: Ping) -> ServerState | Exception:
        try:
            ping()
        except StaleStateError:
            return ServerState.STALE
        except UnavailableError as error:
            self._report(type(error.__cause__).__name__ if error.__cause__ else str(error))
            return ServerState.UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - state() raises it to those who wait
            return error
        return ServerState.OK

    def _report(self, cause: str) -> None:
        log.warning("not ready", {"server": self._name, "cause": cause})
