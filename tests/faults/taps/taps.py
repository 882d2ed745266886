"""The journal of a history: what its servers did, read from the servers themselves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pymysql

from tests.faults.acceptor.events import Observed
from tests.faults.taps import mysql_tap
from tests.faults.taps.topic_tap import UNREAD, TopicTap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from handlers.config import Settings
    from tests.faults.acceptor.events import MySQLEvent, Sent
    from tests.faults.engine.load import Load
    from tests.faults.engine.servers import Servers

    Rows = Callable[..., Sequence[tuple[Any, ...]]]


class Taps:
    """The taps of one cluster."""

    def __init__(self, servers: Servers, settings: Settings, rows: Rows, partitions: int) -> None:
        """Prepare MySQL, which must have its tables. rows: runs a statement there."""
        self._servers = servers
        self._rows = rows
        self._topic = TopicTap(settings, partitions)
        self._campaign_ids: Sequence[str] = ()
        with servers.mysql(as_root=True) as connection, connection.cursor() as cursor:
            mysql_tap.install(cursor)

    def watch(self, campaign_ids: Sequence[str]) -> None:
        """Begin the journals of campaigns that do not exist yet."""
        self._campaign_ids = campaign_ids
        self._servers.tap.watch(campaign_ids)

    def read(
        self, quantity: int, loads: Sequence[Load], *, strangers: bool, quiet: bool
    ) -> list[Observed]:
        """Return the journal of each campaign up to now; what could not be read is in its gaps.

        loads: of each campaign. strangers: they write for the first one.
        """
        redis = self._servers.tap.cut()
        gaps = list(self._servers.tap.gaps)
        mysql: list[list[MySQLEvent]] = [[] for _ in loads]
        topic: list[list[Sent]] = [[] for _ in loads]
        try:
            mysql = [mysql_tap.read(self._rows, each) for each in self._campaign_ids]
            topic = self._topic.read(self._campaign_ids)
        except (*UNREAD, pymysql.Error) as error:
            gaps.append(f"{type(error).__name__}: {error}")
        return [
            Observed(
                quantity,
                orders,
                events,
                sent,
                [each for of_user in load.responses.values() for each in of_user],
                started_s=time.time() - (time.monotonic() - load.started),
                strangers=strangers and load is loads[0],
                quiet=quiet,
                gaps=gaps,
            )
            for load, orders, events, sent in zip(loads, redis, mysql, topic, strict=True)
        ]
