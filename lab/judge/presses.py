"""People press the button: each in a thread of this process, all at once."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.judge.stage_file import SERVER_ERRORS, MistakeError, of_answer, of_exception, of_hanging

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from lab.judge.journal import Journal
    from lab.judge.recorder import Recorder
    from lab.judge.stage_file import Mistake

# Where no press ends for so long, apply is not slow, it hangs.
HANG_S = 8.0
JOIN_S = 0.1
# Where no press ends for a while, hundreds of threads may be in a loop of the stage's, each of
# which keeps the interpreter for its turn. With short turns, this thread can say where they are.
STUCK_S = 1.0
SHORT_TURN_S = 0.0001


@dataclass(frozen=True, slots=True)
class Press:
    """One press of one person, with what she read."""

    user_id: str
    answer: str  # empty: an error page
    error: str
    began_s: float
    ended_s: float


class Button:
    """A stage's apply, with the people in front of it."""

    def __init__(
        self, module: ModuleType, path: Path, recorder: Recorder, journal: Journal
    ) -> None:
        self._module, self._path = module, path
        self._recorder, self._journal = recorder, journal
        self._mistakes: list[Mistake] = []

    def press_all(
        self, user_ids: Sequence[str], start_at_s: float, spacing_s: float = 0
    ) -> list[Press]:
        """Press for each at `start_at_s` (monotonic), one every `spacing_s`; return all presses.

        Raises MistakeError when the stage's code fails by itself, or hangs.
        """
        done: list[Press] = []

        def one(number: int, user_id: str) -> None:
            time.sleep(max(0.0, start_at_s + number * spacing_s - time.monotonic()))
            # From the moment when all pressed: to wait for a thread is to wait, too.
            began_s = start_at_s + number * spacing_s
            if self._mistakes:
                return  # one is enough
            done.append(self.press(user_id, began_s))

        threads = [
            threading.Thread(target=one, args=each, daemon=True) for each in enumerate(user_ids)
        ]
        for thread in threads:
            thread.start()
        self._join(threads, start_at_s + len(user_ids) * spacing_s)
        return done

    def _join(self, threads: Sequence[threading.Thread], last_at_s: float) -> None:
        """Wait for all presses, as long as one ends every HANG_S: a busy machine is slow."""
        waiting, moved_s = list(threads), last_at_s
        while waiting and time.monotonic() < moved_s + HANG_S:
            waiting[0].join(JOIN_S)
            still = [thread for thread in waiting if thread.is_alive()]
            if len(still) < len(waiting):
                waiting, moved_s = still, max(moved_s, time.monotonic())
            elif time.monotonic() > moved_s + STUCK_S:
                sys.setswitchinterval(SHORT_TURN_S)
        if self._mistakes:
            raise MistakeError(self._mistakes[0])
        if waiting:
            hanging = [thread.ident or 0 for thread in waiting]
            raise MistakeError(of_hanging(hanging, self._path, HANG_S))

    def press(self, user_id: str, began_s: float, kill_after: int = 0) -> Press:
        """Press once; this process ends after call number `kill_after` of the servers."""
        answer, error_text = "", ""
        with self._recorder.acting_for(user_id, kill_after):
            try:
                answer = self._module.apply(user_id)
                mistake = of_answer(answer, self._module.apply, self._path)
            except SERVER_ERRORS as error:
                mistake, error_text = None, f"{type(error).__name__}: {error}"
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the reader gets its line
                mistake = of_exception(error, self._path, self._module.apply)
                error_text = str(error)
        if mistake:
            self._mistakes.append(mistake)
            answer = ""
        self._journal.note("", "answer", answer or error_text, user_id)
        return Press(user_id, answer, error_text, began_s, time.monotonic())
