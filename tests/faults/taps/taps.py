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
        self._campaign_id = ""
        with servers.mysql(as_root=True) as connection, connection.cursor() as cursor:
            mysql_tap.install(cursor)

    def watch(self, campaign_id: str) -> None:
        """Begin the journal of a campaign that does not exist yet."""
        self._campaign_id = campaign_id
        self._servers.tap.watch(campaign_id)

    def read(self, quantity: int, load: Load, *, strangers: bool, quiet: bool) -> Observed:
        """Return the journal up to now; what could not be read is named in its gaps."""
        redis = self._servers.tap.cut()
        gaps = list(self._servers.tap.gaps)
        if self._servers.shards:
            gaps.append("the nodes of a cluster are not followed")
        mysql: list[MySQLEvent] = []
        topic: list[Sent] = []
        try:
            mysql = mysql_tap.read(self._rows, self._campaign_id)
            topic = self._topic.read(self._campaign_id)
        except (*UNREAD, pymysql.Error) as error:
            gaps.append(f"{type(error).__name__}: {error}")
        return Observed(
            quantity,
            redis,
            mysql,
            topic,
            [each for of_user in load.responses.values() for each in of_user],
            started_s=time.time() - (time.monotonic() - load.started),
            strangers=strangers,
            quiet=quiet,
            gaps=gaps,
        )
