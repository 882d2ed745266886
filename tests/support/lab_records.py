"""Records of the lab as a run writes them, made by hand."""

from __future__ import annotations

from typing import Any

from lab.catalogue import STAGES
from lab.judge.promises import PROMISES
from lab.texts import text

KIM = {"user_id": "kim-minji", "en": "Kim Minji", "ko": "김민지"}
COUNTS: dict[str, dict[str, int]] = {
    "quota": {"rows": 111, "quota": 100},
    "answered": {"unanswered": 615, "presses": 1000},
    "one_each": {"rows": 50},
    "mysql_pause": {"late": 40, "presses": 40},
    "retried": {"lost": 2, "accepted": 40},
    "crash": {"barred": 3, "killed": 4, "unused": 2},
    "kafka": {"lost": 49, "accepted": 51},
    "twice": {"rows": 35, "people": 5},
    "redis": {"rows": 100, "quota": 100, "lost": 98},
}


def record(number: int, **changes: Any) -> dict[str, Any]:
    """Return the record of a stage that broke what its page says; 0 is the reader's own."""
    stage = STAGES[max(number, 1) - 1]
    breaks = set(stage.breaks) if number else {"quota"}
    title = text(f"stage{number}") if number else {"en": "my_stage.py", "ko": "my_stage.py"}
    return {
        "stage": number, "title": title, "own": stage.own, "breaks": sorted(breaks),
        "either": sorted(stage.either) if number else [],
        "file": stage.file.name if number else "my_stage.py", "lines": 3,
        "source": stage.file.read_text(encoding="utf-8"), "seconds": 1.5, "distance_ms": 2.0,
        "promises": [promise(name, "broken" if name in breaks else "kept") for name in PROMISES],
        "burst": {
            "latencies_ms": [10.0, 20.0, 300.0], "answers": {"accepted": 2, "no answer": 1},
            "seconds": 0.5, "answers_per_s": 6, "mysql_per_100_ms": [0, 3, 1], "mysql_calls": 4,
        },
        "without_distance": None, "when": "2026-11-29 15:00",
    } | changes  # fmt: skip


def promise(name: str, state: str) -> dict[str, Any]:
    """Return what a record says about one promise."""
    broken = state == "broken"
    what = text("several", user_id="kim-minji", coupons=2)
    person = {"person": KIM, "what": what, "timeline": events()}
    return {
        "promise": name, "title": text(name), "fault": text(f"{name}.fault"), "state": state,
        "counts": COUNTS[name], "seen": text(f"{name}.seen", **COUNTS[name]),
        "breaches": 9 * broken, "people": [person, person] * broken,
    }  # fmt: skip


def event(ms: float, actor: str, server: str, says: str, times: int = 1) -> dict[str, Any]:
    """Return one event of a timeline."""
    words = {"en": says, "ko": says}
    who = KIM if actor == "Kim Minji" else {"en": actor, "ko": actor}
    return {"ms": ms, "actor": who, "server": server, "says": words, "times": times}


def events() -> list[dict[str, Any]]:
    """Return a person's events: one of each kind."""
    return [
        event(1, "lab", "Kafka", "Kafka is frozen"),
        event(5, "Kim Minji", "", "presses", times=2),
        event(9, "app 1", "Redis", "SADD applied_user kim-minji → 1"),
        event(10, "Kim Minji", "", text("event.answer", answer="accepted")["en"]),
        event(11, "app 1", "", text("event.killed")["en"]),
        event(2011, "consumer", "Kafka", "deliver offsets 1 to 2: kim-minji"),
        event(2020, "consumer", "MySQL", "INSERT INTO coupon VALUES (1) → OperationalError"),
        event(2500, "lab", "MySQL", text("event.rows", coupons=0)["en"]),
    ]
