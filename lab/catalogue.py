"""The nine stages: what each is called, and which promises it breaks, as its page says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.texts import Text, text

FOLDER = Path(__file__).parent / "stages"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the course; number 0 is the reader's own file."""

    number: int
    file: Path
    own: str  # the promise that the next stage learns to keep; empty where nothing is left
    breaks: frozenset[str]
    either: frozenset[str] = frozenset()  # kept or broken, as fast as the machine is

    @property
    def race(self) -> str:
        """The stage's own promise, where a race in the burst breaks it."""
        return self.own if self.own in {"quota", "answered"} else ""

    @property
    def title(self) -> Text:
        """The stage's name for people."""
        if self.number == 0:
            return {"en": self.file.name, "ko": self.file.name}
        return text(f"stage{self.number}")


def _stage(number: int, own: str, *others: str, either: str = "") -> Stage:
    [file] = FOLDER.glob(f"stage{number}_*.py")
    breaks = {own, *others} - {""}
    return Stage(number, file, own, frozenset(breaks), frozenset({either} - {""}))


STAGES = (
    # A thousand counts go through the same pool as the locks of the second stage.
    _stage(1, "quota", "one_each", "mysql_pause", either="answered"),
    _stage(2, "answered", "one_each", "mysql_pause"),
    _stage(3, "one_each", "mysql_pause", "crash", "redis"),
    _stage(4, "mysql_pause", "crash", "redis"),
    _stage(5, "retried", "crash", "kafka", "twice", "redis"),
    _stage(6, "crash", "kafka", "twice", "redis"),
    _stage(7, "kafka", "twice", "redis"),
    _stage(8, "redis"),
    _stage(9, ""),
)


def of_reader(file: Path) -> Stage:
    """Return the reader's own file as a stage that should keep every promise."""
    return Stage(0, file.resolve(), "", frozenset())
