"""Comes between a stage and its servers: it notes each call, adds the distance, kills on demand.

It replaces methods of redis-py, kafka-python and PyMySQL in this process, so it also sees what
does not come from `lab.servers`.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import pymysql.connections
import redis
from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata, RecordMetadata

from lab import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.judge.journal import Journal

# A shorter wait is no part of the story.
POOL_WAIT_NOTED_S = 0.05
KILLED_EXIT_CODE = 86  # any number that Python itself does not use
ANSWER_LENGTH_MAX = 80
# Statements with which a client opens a connection; no stage wrote them.
UNSEEN = ("SET ",)


class Recorder:
    """The calls of this process, in all of its threads."""

    def __init__(self, journal: Journal, distance_s: float) -> None:
        """distance_s: how far away the servers are; each call takes that much longer."""
        self._journal = journal
        self._distance_s = distance_s
        self._here = threading.local()

    @contextmanager
    def acting_for(self, user_id: str, kill_after: int = 0) -> Iterator[None]:
        """Note the calls of this thread in the block, as made for a person ("": for a batch).

        The process ends at once after call number `kill_after`; 0 lets it live.
        """
        self._here.user_id, self._here.calls, self._here.kill_after = user_id, 0, kill_after
        try:
            yield
        finally:
            self._here.user_id = None

    def install(self) -> None:
        """Replace the methods; for the rest of this process."""
        self._replace(redis.Redis, "execute_command", _redis_call)
        self._replace(redis.client.Pipeline, "execute", _pipeline_call)
        connection = pymysql.connections.Connection
        self._replace(connection, "query", _mysql_call)
        for name in ("begin", "commit", "rollback"):
            self._replace(connection, name, lambda *_, name=name: ("MySQL", name.upper()))
        servers.take = self._timed(servers.take)  # type: ignore[assignment] # as mypy sees functions
        self._replace(KafkaProducer, "send", _kafka_call, distant=False)
        self._replace(KafkaProducer, "flush", lambda *_, **__: ("Kafka", "flush"))
        self._replace(FutureRecordMetadata, "get", lambda *_, **__: ("Kafka", "wait for the ack"))

    def _timed(self, take: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Note the wait for a connection of the pool, where there is one. It is not a step."""

        def timed(pool: Any) -> Any:
            began_s = time.monotonic()
            try:
                return take(pool)
            finally:
                waited_s = time.monotonic() - began_s
                user_id = getattr(self._here, "user_id", None)
                if user_id is not None and waited_s >= POOL_WAIT_NOTED_S:
                    self._journal.note("", "pool", f"{waited_s * 1000:,.0f} ms", user_id)

        return timed

    def install_on_handlers(self) -> None:
        """Replace the method of the ninth stage's own Redis client as well."""
        from handlers.adapters.redis.thread_local_client import (  # noqa: PLC0415 - ninth stage only
            ThreadLocalRedis,
        )

        self._replace(ThreadLocalRedis, "execute_all", _redis_calls)

    def _replace(
        self,
        owner: Any,
        name: str,
        describe: Callable[..., tuple[str, str]],
        *,
        distant: bool = True,
    ) -> None:
        original = getattr(owner, name)

        @wraps(original)
        def recorded(*args: Any, **options: Any) -> Any:
            user_id = getattr(self._here, "user_id", None)
            server, text = ("", "") if user_id is None else describe(*args, **options)
            if user_id is None or getattr(self._here, "inside", False) or text.startswith(UNSEEN):
                return original(*args, **options)
            self._here.inside = True  # a call inside of a call is one call
            try:
                if distant:
                    time.sleep(self._distance_s)
                answer = original(*args, **options)
            except BaseException as error:
                self._note(server, text, f"{type(error).__name__}: {error}", user_id)
                raise
            finally:
                self._here.inside = False
            self._note(server, text, _short(answer), user_id)
            return answer

        setattr(owner, name, recorded)

    def _note(self, server: str, text: str, answer: str, user_id: str) -> None:
        self._here.calls += 1
        self._journal.note(server, text, answer[:ANSWER_LENGTH_MAX], user_id)
        if self._here.calls == self._here.kill_after:
            self._journal.note("", "killed", "", user_id)
            os._exit(KILLED_EXIT_CODE)


def _short(answer: Any) -> str:
    """Return an answer as a reader can use it: not the text of an object."""
    if isinstance(answer, RecordMetadata):
        return f"offset {answer.offset}"
    if isinstance(answer, (int, str, bytes, list, tuple)):
        return answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    return ""


def _redis_call(_: Any, *args: Any, **__: Any) -> tuple[str, str]:
    return "Redis", _command(args)


def _redis_calls(_: Any, commands: Any) -> tuple[str, str]:
    return "Redis", "; ".join(_command(command) for command in commands)


def _pipeline_call(pipeline: Any, *_: Any, **__: Any) -> tuple[str, str]:
    return "Redis", "; ".join(_command(args) for args, _ in pipeline.command_stack)


def _command(args: Any) -> str:
    """Return a command's words; of a script its name only."""
    words = [
        word.decode(errors="replace") if isinstance(word, bytes) else str(word) for word in args
    ]
    if words[0] in {"EVAL", "EVALSHA"}:
        words[1] = "(the script)"
    return " ".join(words)


def _mysql_call(_: Any, sql: Any, *__: Any, **___: Any) -> tuple[str, str]:
    text = sql.decode(errors="replace") if isinstance(sql, (bytes, bytearray)) else str(sql)
    return "MySQL", " ".join(text.split())


def _kafka_call(_: Any, topic: str, value: Any = None, *__: Any, **___: Any) -> tuple[str, str]:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return "Kafka", f"send {topic} {text}"
