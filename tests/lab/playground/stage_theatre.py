"""Stages 4 to 8: their very files from lab/stages, on servers in memory."""

from __future__ import annotations

from functools import cache
from types import CodeType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from lab.catalogue import STAGES
from tests.lab.playground.doubles import FakeMySQL, FakeRedis
from tests.lab.playground.theatre import Program, Theatre
from tests.lab.playground.topic import Producer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.actors import Stage

# A hundred coupons do not fit a screen.
QUOTA, SMALL_QUOTA = "> 100", "> 3"


@cache
def code_of(number: int) -> CodeType:
    """Return a stage's file, compiled, with a quota of three."""
    [stage] = [one for one in STAGES if one.number == number]
    source = stage.file.read_text(encoding="utf-8")
    assert source.count(QUOTA) == 1, f"{stage.file.name} must have its quota in one place"
    return compile(source.replace(QUOTA, SMALL_QUOTA), str(stage.file), "exec")


class StageTheatre(Theatre):
    """A stage's functions, which find the servers of this world in place of `lab.servers`."""

    def __init__(self, number: int, stage: Stage) -> None:
        super().__init__(stage)
        self._module: Any = ModuleType(f"stage{number}")
        exec(code_of(number), self._module.__dict__)  # noqa: S102 - a file of this repository
        self._redis = FakeRedis(self)
        self._mysql = FakeMySQL(self, self._module.TABLES)
        producer = Producer(self.topic)
        self._module.__dict__.update(
            redis=lambda: self._redis, mysql=self._mysql.connection, producer=lambda: producer
        )
        self._has_serial = "serial" in self._module.TABLES[0]

    def apply(self, user: str) -> str:
        return str(self._module.apply(user))

    def deliver(self, values: list[bytes], first: int) -> None:
        assert first >= 0
        self._module.consume([SimpleNamespace(value=value) for value in values])

    @property
    def has_consumer(self) -> bool:
        return hasattr(self._module, "pymysql") or self._has_serial

    @property
    def every_second(self) -> Callable[[], object] | None:
        return getattr(self._module, "every_second", None)

    @property
    def rebuild(self) -> None:
        return None

    def waits(self, program: Program) -> bool:
        return program.point.startswith("MySQL") and self._mysql.owner not in {None, program}

    def restart_redis(self) -> None:
        self._redis.restart()

    def copy_redis(self) -> None:
        self._redis.disk = {
            key: dict(value) if isinstance(value, dict) else value
            for key, value in self._redis.keys.items()
        }

    def redis_state(self) -> list[Any]:
        keys = self._redis.keys
        applied, pending = (_by_name(keys[key]) for key in ("applied_user", "pending"))
        return [self._redis.history, applied, keys["coupon_count"], pending, [], "", 0, ""]

    def written(self) -> list[str]:
        return sorted(self._redis.written)

    def mysql_state(self) -> list[Any]:
        columns = "serial, user_id" if self._has_serial else "0, user_id"
        order = "serial" if self._has_serial else "id"
        coupons = self._mysql.rows(f"SELECT {columns} FROM coupon ORDER BY {order}")
        failed = []
        if any("failed_event" in table for table in self._module.TABLES):
            failed = self._mysql.rows("SELECT user_id, '' FROM failed_event ORDER BY id")
        return [coupons, failed, 1, []]

    def end(self) -> None:
        super().end()
        self._mysql.close()


def _by_name(scores: dict[str, float]) -> list[list[Any]]:
    return [[name, int(score)] for name, score in sorted(scores.items())]
