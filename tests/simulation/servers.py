"""Real Redis and real MySQL, with a pause before each call and an outcome that the test chooses."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from handlers.adapters.mysql.database import Database
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CAMPAIGNS, EPOCH, CampaignKeys
from handlers.adapters.redis.scripts import FOLDER, Script
from handlers.domain.errors import UnavailableError
from tests.simulation.actors import Fate
from tests.support.state import promote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pymysql.cursors import Cursor

    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress
    from tests.simulation.actors import Stage

T = TypeVar("T")
UNDONE = frozenset({Fate.UNREACHABLE, Fate.LATE})
CHANGING = ("UPDATE coupon", "UPDATE campaign", "FOR UPDATE")


class Redis:
    """A client for the scripts' commands; its server can restart, also with an older state.

    The server itself keeps running. A restart changes its data and its replication id, and both
    are changed here.
    """

    def __init__(self, settings: Settings, stage: Stage) -> None:
        self._client: Any = connect(settings)
        self._stage = stage
        self._keys: list[str] = []
        self._disk: list[bytes | None] = []
        for file in FOLDER.rglob("*.lua"):
            self.load(Script(str(file.relative_to(FOLDER).with_suffix(""))).source)

    def load(self, source: str) -> None:
        """Load a script into the server: otherwise the first call would be two calls."""
        self._client.script_load(source)

    @property
    def history(self) -> bytes:
        return str(self._client.info("replication")["master_replid"]).encode()

    def begin(self, campaign_ids: Sequence[str]) -> None:
        """Start with nothing but the epoch, as migrate sets it."""
        self.wipe()
        of_campaigns = (CampaignKeys.of(campaign_id).all() for campaign_id in campaign_ids)
        self._keys = [CAMPAIGNS, EPOCH, *(key for keys in of_campaigns for key in keys)]
        self.wipe()
        self._client.set(EPOCH, self.history)

    def execute_command(self, *args: Any) -> Any:
        """Run a command when the test says so."""
        fate = self._stage.pause("redis")
        if fate in {Fate.UNREACHABLE, Fate.LATE}:
            raise RedisConnectionError
        reply = self._client.execute_command(*args)
        if fate is Fate.TWICE:
            reply = self._client.execute_command(*args)
        if fate is Fate.UNACKNOWLEDGED:
            raise RedisConnectionError
        return reply

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Run several, with a pause before each: a cluster takes them one by one."""
        return [self._try(command) for command in commands]

    def _try(self, command: tuple[Any, ...]) -> Any:
        try:
            return self.execute_command(*command)
        except RedisError as error:
            return error

    def fsync(self) -> None:
        """Let the next restart restore at least the present state."""
        pipeline = self._client.pipeline(transaction=True)
        for key in self._keys:
            pipeline.dump(key)
        self._disk = pipeline.execute()

    def restart(self, *, with_last_moments: bool) -> None:
        """Begin another history, with everything or with what was on the disk."""
        if with_last_moments:
            self.fsync()
        self.wipe()
        pipeline = self._client.pipeline(transaction=True)
        for key, value in zip(self._keys, self._disk, strict=True):
            if value is not None:
                pipeline.restore(key, 0, value)
        pipeline.execute()
        promote(self._client)

    def flush(self) -> None:
        """Delete everything, the disk included; the history continues."""
        self.wipe()
        self.fsync()

    def wipe(self) -> None:
        if self._keys:
            self._client.delete(*self._keys)

    def look(self, campaign_id: str) -> tuple[dict[bytes, float], int, dict[bytes, bytes], int]:
        """Return serials by user, the count, the campaign's hash, the number pending."""
        keys = CampaignKeys.of(campaign_id)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.zrange(keys.applied_user, 0, -1, withscores=True)
        pipeline.get(keys.coupon_count)
        pipeline.hgetall(keys.campaign)
        pipeline.zcard(keys.pending)
        holders, count, campaign, pending = pipeline.execute()
        return dict(holders), int(count or 0), campaign, pending

    def keys_with(self, campaign_id: str, user: str) -> Iterator[str]:
        """Yield the keys of a campaign that name a user; none while it waits for a rebuild."""
        keys = CampaignKeys.of(campaign_id)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hget(keys.campaign, "epoch")
        for name in (keys.applied_user, keys.pending, keys.resent):
            pipeline.zscore(name, user)
        pipeline.hget(keys.rate, user)
        epoch, *found = pipeline.execute()
        if epoch == self.history:
            names = ("applied_user", "pending", "resent", "rate")
            yield from (name for name, value in zip(names, found, strict=True) if value is not None)

    def close(self) -> None:
        self.wipe()
        self._client.close()


class Transactions(Database):
    """Transactions that pause before their first statement and, if they write, before the commit.

    A killed process's transaction is rolled back; its connection is reused, since
    a new one costs more than a step.
    """

    def __init__(
        self, address: Callable[[], DatabaseAddress], stage: Stage, *, writes: bool
    ) -> None:
        super().__init__(address)
        self._stage = stage
        self._writes = writes

    def run(self, work: Callable[[Cursor], T]) -> T:
        fate = self._stage.pause("mysql")
        if fate in {Fate.UNREACHABLE, Fate.LATE}:
            raise UnavailableError
        result = super().run(self._pausing(work) if self._writes else work)
        if fate is Fate.TWICE:
            result = super().run(work)
        if fate is Fate.UNACKNOWLEDGED:
            raise UnavailableError
        return result

    @contextmanager
    def advisory_lock(self, name: str) -> Iterator[bool]:
        """Grant the lock to every caller: nothing may rely on it."""
        assert name
        yield True

    def close(self) -> None:
        connection = self._connection()
        if connection is not None:
            connection.rollback()

    def disconnect(self) -> None:
        """Close this thread's connection."""
        super().close()

    def _pausing(self, work: Callable[[Cursor], T]) -> Callable[[Cursor], T]:
        def pausing(cursor: Cursor) -> T:
            result = work(cursor)
            if self._stage.pause("commit") in {Fate.UNREACHABLE, Fate.LATE}:
                raise UnavailableError
            return result

        return pausing


class Changes(Transactions):
    """Transactions that pause between what they read and each change, too."""

    def _pausing(self, work: Callable[[Cursor], T]) -> Callable[[Cursor], T]:
        return super()._pausing(lambda cursor: work(cast("Cursor", Pausing(cursor, self._stage))))


class Pausing:
    """A cursor that pauses before it changes a coupon or locks a campaign."""

    def __init__(self, cursor: Cursor, stage: Stage) -> None:
        self._cursor = cursor
        self._stage = stage

    def execute(self, statement: str, values: object = None) -> int:
        if any(each in statement for each in CHANGING) and self._stage.pause("change") in UNDONE:
            raise UnavailableError
        return self._cursor.execute(statement, values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
