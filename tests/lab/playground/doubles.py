"""Redis and MySQL in memory, for the stages' own files: each call pauses before it is done.

The scripts run in Lua 5.1, as in Redis; the SQL runs in SQLite, one transaction at a time.
"""

from __future__ import annotations

import copy
import re
import sqlite3
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pymysql
from lupa.lua51 import LuaRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.lab.playground.theatre import Program, Theatre

LOCK_WAIT_TIMEOUT = 1205
LUA = LuaRuntime()


@cache
def compiled(source: str) -> Any:
    """Return a script as a Lua function of redis and ARGV."""
    return LUA.execute(f"return function(redis, ARGV) {source} end")


class FakeRedis:
    """redis-py's client with its server; `keys` is what a restart replaces."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self.keys: dict[str, Any] = {"applied_user": {}, "coupon_count": 0, "pending": {}}
        self.disk = copy.deepcopy(self.keys)
        self.history = 1
        self.written: list[str] = []  # by the last script

    def restart(self) -> None:
        self.keys = copy.deepcopy(self.disk)
        self.history += 1

    def sadd(self, key: str, member: str) -> Any:
        return self._call("SADD", key, member)

    def incr(self, key: str) -> Any:
        return self._call("INCR", key)

    def zrem(self, key: str, *members: str) -> Any:
        return self._call("ZREM", key, *members)

    def zscore(self, key: str, member: str) -> Any:
        return self._call("ZSCORE", key, member)

    def time(self) -> Any:
        return self._call("TIME")

    def zrangebyscore(self, key: str, lowest: float, highest: float) -> Any:
        return self._call("ZRANGEBYSCORE", key, lowest, highest)

    def eval(self, source: str, keys: int, *arguments: str) -> Any:
        assert keys == 0
        self._theatre.pause("Redis EVAL")
        self.written = []
        redis = LUA.table_from({"call": self._call_of_script})
        reply = compiled(source)(redis, LUA.table_from(arguments))
        return reply if isinstance(reply, (str, int)) else list(reply.values())

    def _call(self, command: str, *arguments: Any) -> Any:
        self._theatre.pause(f"Redis {command}")
        return self.do(command, *arguments)

    def _call_of_script(self, command: str, *arguments: Any) -> Any:
        before = copy.deepcopy(self.keys)
        reply = self.do(command, *arguments)
        if self.keys != before:
            words = [f"{one:.17g}" if isinstance(one, float) else str(one) for one in arguments]
            self.written.append(" ".join([command, *words]))
        if reply is None:
            return False  # Lua's value for Redis's nil
        if command == "TIME":
            return LUA.table_from([str(part) for part in reply])
        return f"{reply:.17g}" if isinstance(reply, float) else reply

    def do(self, command: str, *arguments: Any) -> Any:
        """Do a command at once."""
        doing: dict[str, Callable[..., Any]] = {
            "SADD": lambda key, member: self._add(key, member, 0),
            "ZADD": lambda key, score, member: self._add(key, member, float(score)),
            "ZSCORE": lambda key, member: self.keys[key].get(member),
            "INCR": self._increment,
            "ZREM": lambda key, *members: sum(
                self.keys[key].pop(member, None) is not None for member in members
            ),
            "ZRANGEBYSCORE": lambda key, lowest, highest: [
                member
                for member, score in sorted(self.keys[key].items(), key=lambda one: one[::-1])
                if lowest <= score <= highest
            ],
            "TIME": lambda: (self._theatre.now, 0),
        }
        return doing[command](*arguments)

    def _add(self, key: str, member: str, score: float) -> int:
        is_new = member not in self.keys[key]
        self.keys[key][member] = score
        return int(is_new)

    def _increment(self, key: str) -> int:
        self.keys[key] += 1
        return int(self.keys[key])


class FakeMySQL:
    """PyMySQL's connection with its server: the stage's own statements, in SQLite."""

    def __init__(self, theatre: Theatre, tables: Sequence[str]) -> None:
        self._theatre = theatre
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.owner: Program | None = None
        for statement in tables:
            self._database.execute(_for_sqlite(statement))

    @contextmanager
    def connection(self) -> Iterator[FakeMySQL]:
        """Stand in for `lab.servers.mysql`."""
        program = self._theatre.program
        try:
            yield self
        finally:
            if self.owner is program:
                self._end("ROLLBACK")

    @contextmanager
    def cursor(self) -> Iterator[FakeMySQL]:
        yield self

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        self.executemany(statement, [values])

    def executemany(self, statement: str, values: Sequence[Sequence[Any]]) -> None:
        """Run one statement for all rows, as PyMySQL's multi-row INSERT does."""
        self._theatre.pause(f"MySQL {statement}")
        if self.owner is None:
            self.owner = self._theatre.program
            self._database.execute("BEGIN")
        if self._theatre.locked and re.match(r"INSERT (IGNORE )?INTO coupon ", statement):
            raise pymysql.OperationalError(LOCK_WAIT_TIMEOUT, "Lock wait timeout exceeded")
        for row in values:
            self._found = self._database.execute(_for_sqlite(statement), row).fetchall()

    def fetchall(self) -> list[Any]:
        return self._found

    def commit(self) -> None:
        self._theatre.pause("MySQL COMMIT")
        self._end("COMMIT")

    def rollback(self) -> None:
        self._theatre.pause("MySQL ROLLBACK")
        self._end("ROLLBACK")

    def rows(self, statement: str) -> list[list[Any]]:
        """Query without a pause, what is not committed included."""
        return [list(row) for row in self._database.execute(statement)]

    def close(self) -> None:
        self._database.close()

    def _end(self, statement: str) -> None:
        if self._database.in_transaction:
            self._database.execute(statement)
        self.owner = None


@cache
def _for_sqlite(statement: str) -> str:
    for mysql, sqlite in (
        ("BIGINT AUTO_INCREMENT PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        ("INSERT IGNORE", "INSERT OR IGNORE"),
        (" FOR UPDATE", ""),
        ("%s", "?"),
    ):
        statement = statement.replace(mysql, sqlite)
    return statement
