"""Stage 9's servers: the simulation's cluster, with a name at each pause and one partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from handlers import wiring
from handlers.adapters.kafka.topic_reader import Backlog
from handlers.adapters.mysql.queries import MySqlQueries
from handlers.adapters.redis.keys import EPOCH, CampaignKeys
from handlers.adapters.redis.scripts import FOLDER, Script
from handlers.domain.errors import UnavailableError
from handlers.domain.fence import Position, Unwritten
from tests.simulation import servers
from tests.simulation.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pymysql.cursors import Cursor

    from handlers.config import Settings
    from handlers.domain.coupon import OutgoingMessage
    from tests.lab.playground.topic import Topic

T = TypeVar("T")

TOPIC = "coupon_create"
QUOTA = 3
WRITES = ("MySQL Ledger.write", "MySQL Ledger.write_direct")


class NamedRedis(servers.Redis):
    """Its pauses have the names of the scripts."""

    def load(self, source: str) -> None:
        super().load(source)
        names = {
            Script(name).digest: name.split("/")[-1]
            for file in FOLDER.rglob("*.lua")
            for name in [str(file.relative_to(FOLDER).with_suffix(""))]
        }
        self.names = getattr(self, "names", names)

    def execute_command(self, *args: Any) -> Any:
        name = self.names[args[1]] if args[0] == "EVALSHA" else args[0]
        self._stage.pause(f"Redis {name}")
        return self._client.execute_command(*args)

    def state(self, campaign_id: str) -> list[Any]:
        """Return the campaign's keys, and the epoch of the list of campaigns."""
        keys = CampaignKeys.of(campaign_id)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.zrange(keys.applied_user, 0, -1, withscores=True)
        pipeline.get(keys.coupon_count)
        pipeline.zrange(keys.pending, 0, -1)
        pipeline.lrange(keys.returned, 0, -1)
        pipeline.hmget(keys.campaign, "epoch", "fence")
        pipeline.get(EPOCH)
        found: list[Any] = pipeline.execute()
        return found


class NamedTransactions(servers.Transactions):
    """Each is one step, which has the name of the method that runs it."""

    is_locked = False

    def run(self, work: Callable[[Cursor], T]) -> T:
        point = f"MySQL {work.__qualname__.split('.<')[0]}"
        self._stage.pause(point)
        if self.is_locked and point in WRITES:
            raise UnavailableError
        return super(servers.Transactions, self).run(work)


class Queries(MySqlQueries):
    """Names the query of a rebuild."""

    pause: Callable[[str], object]

    def holders(self, campaign_id: str, after: int, limit: int) -> Sequence[tuple[int, str]]:
        self.pause("MySQL coupons")
        return super().holders(campaign_id, after, limit)


class Publisher:
    """Each record is sent in a step of its own; then one wait for all acks."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic

    def publish_all(self, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        messages = sorted((one.message for one in outgoing_messages), key=lambda m: m.user_id)
        items = [
            self._topic.send(one.encode(), f"{one.serial} {one.user_id} fence {one.fence}")
            for one in messages
        ]
        return [self._topic.is_acknowledged(items)] * len(messages)


class TopicReader:
    """What a rebuild reads: from the committed offset to the end."""

    name = TOPIC

    def __init__(self, topic: Topic, pause: Callable[[str], object]) -> None:
        self._topic = topic
        self._pause = pause

    def unconsumed(self, _has_time: Callable[[], bool]) -> Backlog:
        ends: dict[int, int] = {}
        return Backlog(self._records(self._topic.committed, ends), ends)

    def _records(self, first: int, ends: dict[int, int]) -> Generator[Unwritten, None, None]:
        self._pause("Kafka read topic")
        values = [item.value for item in self._topic.records[first:]]
        for offset, value in enumerate(values, first):
            yield Unwritten(value, Position(TOPIC, 0, offset))
        ends[0] = first + len(values)


class PlaygroundCluster(Cluster):
    """The handlers on real Redis and MySQL; the topic is the theatre's."""

    topic: Topic

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)

    def __enter__(self) -> Self:
        super().__enter__()
        address = self.settings.database_address
        assert address
        self.redis.close()
        self.redis: NamedRedis = NamedRedis(self.settings, self.stage)
        self._reading = NamedTransactions(lambda: address, self.stage, writes=False)
        self._writing = NamedTransactions(lambda: address, self.stage, writes=False)
        return self

    def begin_with(self, topic: Topic) -> str:
        """Start a history; return the id of its campaign."""
        self.topic = topic
        self.lock(locked=False)
        self.begin([QUOTA])
        return self.campaigns[0].id

    def lock(self, *, locked: bool) -> None:
        """Let MySQL refuse coupons, or take them again."""
        for transactions in (self._reading, self._writing):
            assert isinstance(transactions, NamedTransactions)
            transactions.is_locked = locked

    def _wire(self) -> None:
        super()._wire()
        pause = self.stage.pause
        queries = Queries(self._reading)
        queries.pause = pause
        self._override(wiring.mysql_queries, queries)
        self._override(wiring.publisher, Publisher(self.topic))
        self._override(wiring.topic, TopicReader(self.topic, pause))
