"""The service's own handlers on ways to Redis, Kafka and MySQL that the test holds in its hand."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest

from handlers import apply, rebuild, redrive, relay, wiring
from handlers.adapters import mysql
from handlers.adapters.failed_event_queue import FailedEventQueue
from handlers.adapters.redis_keys import CampaignKeys
from handlers.consume import consume_handler
from handlers.domain import comparison
from handlers.domain.campaign import Campaign
from handlers.domain.coupon import CouponAccepted, decoded
from handlers.domain.errors import ServiceError
from handlers.edge.throttle import Throttle
from local.migration.schema import connect as connect_to_mysql
from tests.conftest import TABLES
from tests.simulation.actors import Killed, Stage
from tests.simulation.clock import Clock
from tests.simulation.kafka import PARTITIONS, Log, Publisher, Topic
from tests.simulation.ledger import Ledger
from tests.simulation.servers import DurableScripts, Redis, Transactions

if TYPE_CHECKING:
    from handlers.config import Settings

# Nobody is to be stopped by it.
CALLS_PER_S = 1_000_000
DAY_MS = 86_400_000
# No run of anything takes so many calls; one that does goes round in circles.
STEPS_MAX = 1000
POISON = ("broken", "unknown", "zero", "beyond")
REDIS_FAULTS = ("fsync", "restarts", "restarts with what its disk has", "emptied")


@dataclass(slots=True)
class Told:
    """What one person heard of one campaign: (code, serial) in order; unsure: no answer, or 503."""

    heard: list[tuple[str, int]] = field(default_factory=list)
    unsure: bool = False

    @property
    def serials(self) -> list[int]:
        return [serial for _, serial in self.heard if serial]


class World:
    """One set of servers, on which one history follows the other."""

    def __init__(self, settings: Settings, *, epoch: bool = True) -> None:
        self.settings = dataclasses.replace(settings, pending_resend_after_s=0)
        self._epoch = epoch
        self._numbers = itertools.count(1)
        self.histories = self.faults = 0
        self.stage = Stage(self._disconnect)
        self.clock = Clock(self.stage)
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        address = self.settings.database_address
        assert address
        self._rows = connect_to_mysql(address)
        self._rows.autocommit(True)  # noqa: FBT003 - PyMySQL's signature
        # While one transaction stands still no other can wait for it: what is locked fails at once.
        session = mysql.SESSION.replace(f"= {mysql.LOCK_WAIT_TIMEOUT_S}", "= 0")
        self._patch.setattr(mysql, "SESSION", session)
        self._patch.setattr(mysql, "BACKOFF_S", 0)
        self._patch.setattr(comparison, "LOOK_AGAIN_AFTER_S", 0)
        for module in (apply, relay, rebuild):
            self._patch.setattr(module, "time", self.clock)
        self._patch.setattr(logging.getLogger("seonchak"), "disabled", True)
        self._reading = Transactions(lambda: address, self.stage, writes=False)
        self._writing = Transactions(lambda: address, self.stage, writes=True)
        self.redis = Redis(self.settings, self.stage)
        return self

    def __exit__(self, *_: object) -> None:
        self.stage.close()
        self._clean()
        self._disconnect()
        wiring.reset()
        self.redis.close()
        self._rows.close()
        self._patch.undo()

    def begin(self, quantities: list[int]) -> None:
        """Begin a history with a campaign of each quantity."""
        self.histories += 1
        self.stage.kill_all()
        self._clean()
        number = next(self._numbers)
        self.campaigns = [self._campaign(f"s{number}-{n}", q) for n, q in enumerate(quantities)]
        self.told: defaultdict[tuple[str, str], Told] = defaultdict(Told)
        self.poisoned: set[tuple[int, int]] = set()
        self.clock.now = 0.0
        self.new_epochs = 0
        self._known = 0
        self.log = Log(f"simulated-{number}")
        self.story: list[str] = []
        self.redis.begin([campaign.id for campaign in self.campaigns])
        self._wire()
        for campaign in self.campaigns:
            wiring.coupon_queries().create_campaign(campaign)
            wiring.campaign_states().open(campaign, created=True)
        self.redis.fsync()

    def _campaign(self, campaign_id: str, quantity: int) -> Campaign:
        now_ms = int(time.time() * 1000)
        return Campaign(campaign_id, "Simulated", quantity, now_ms - DAY_MS, now_ms + DAY_MS)

    def _wire(self) -> None:
        self.scripts = DurableScripts(self.redis, epoch=self._epoch)
        self.ledger = Ledger(self._writing, self.settings.coupon_code_secret)
        wiring._built.clear()
        wiring._built.update(
            settings=self.settings,
            # Who somebody is, is another story.
            tokens=SimpleNamespace(
                user=lambda headers: SimpleNamespace(id=headers["user"]), admin=lambda _: None
            ),
            throttle=Throttle(CALLS_PER_S),
            scripts=self.scripts,
            topic=Topic(self.log, self.stage),
            publisher=Publisher(
                self.log, self.stage, self.clock, self.settings.kafka_ack_timeout_ms
            ),
            database=self._reading,
            ledger=self.ledger,
        )
        wiring._built["failed_event_queue"] = FailedEventQueue(
            self._writing,
            self.ledger,
            wiring.admissions().reassign,
            self.settings.redrive_max_attempts,
        )

    @property
    def steps(self) -> int:
        """How many steps were taken so far: calls to servers, kills, and faults."""
        return self.stage.steps + self.faults

    # ---- programs --------------------------------------------------------------------------------

    def apply(self, user: str, campaign_id: str) -> None:
        """A person presses the button, and hears the answer unless the process is killed."""
        told = self.told[campaign_id, user]
        try:
            answer = apply.apply_handler(_request(user, campaign_id), None)
        except Killed:
            told.unsure = True
            raise
        body = json.loads(answer["body"])
        code = body.get("outcome") or body["code"]
        told.heard.append((code, body.get("serial", 0)))
        told.unsure |= answer["statusCode"] >= 500
        self.story.append(f"{user} hears {code} {body.get('serial', '')} of {campaign_id}")

    def consume(self, limit: int) -> None:
        """Poll up to `limit` records of each partition, write them, commit their offsets."""
        generation = self.log.join()
        self.stage.pause("poll")
        batch = {n: list(self.log.unread(n, limit)) for n in range(PARTITIONS)}
        if not any(batch.values()):
            return
        records = {
            f"{self.log.topic}-{n}": [self._raw(n, offset, value) for offset, value in found]
            for n, found in batch.items()
        }
        answer = consume_handler({"eventSource": "aws:kafka", "records": records}, None)
        again = {
            item["itemIdentifier"]["partition"]: item["itemIdentifier"]["offset"]
            for item in answer["batchItemFailures"]
        }
        ends = {
            n: again.get(f"{self.log.topic}-{n}", found[-1][0] + 1)
            for n, found in batch.items()
            if found
        }
        self.stage.pause("commit offsets")
        self.log.commit(generation, ends)

    def relay(self) -> None:
        relay.relay_handler({}, None)

    def redrive(self) -> None:
        """Redrive all that is not given up, due or not; an administrator may ask so."""
        redrive.redrive_now_handler(_request("admin", None), None)

    def rebuild(self) -> None:
        rebuild.rebuild_handler({}, None)

    def _raw(self, partition: int, offset: int, value: bytes | None) -> dict[str, Any]:
        encoded = None if value is None else base64.b64encode(value).decode()
        place = {"topic": self.log.topic, "partition": partition, "offset": offset}
        return {**place, "timestamp": 0, "key": None, "value": encoded, "headers": []}

    # ---- faults ----------------------------------------------------------------------------------

    def befall_redis(self, kind: str) -> None:
        """Do one of REDIS_FAULTS."""
        self.faults += 1
        if kind == "fsync":
            self.redis.fsync()
            return
        self.new_epochs += 1
        if kind == "emptied":
            self.redis.flush()
        else:
            self.redis.restart(with_last_moments=kind == "restarts")

    def may_flush(self) -> bool:
        """Tell whether nobody's coupon is on the disk of Redis alone: that loss is documented."""
        on_disk = self.scripts.on_disk
        return not on_disk or on_disk <= self._kept_elsewhere()

    def is_changed(self) -> bool:
        """Tell whether anything may have changed in a server since this was asked before."""
        known, self._known = self._known, self.steps
        return known != self._known

    def poison(self, kind: str, partition: int) -> None:
        """Put a record into the topic that can never become a coupon."""
        campaign = self.campaigns[0]
        wrong = {
            "unknown": CouponAccepted("nobody-knows-it", "forger", 1, 0),
            "zero": CouponAccepted(campaign.id, "forger", 0, 0),
            "beyond": CouponAccepted(campaign.id, "forger", campaign.quantity + 1, 0),
        }
        self.faults += 1
        value = wrong[kind].encode() if kind in wrong else b"\xff{"
        self.poisoned.add((partition, self.log.append(partition, value)))

    def pass_time(self, seconds: float) -> None:
        """Let time pass; what is still on the wire when nobody waits for it any more is lost."""
        self.clock.now += seconds
        self.log.wire = [sent for sent in self.log.wire if sent.until >= self.clock.now]

    # ---- the end ---------------------------------------------------------------------------------

    def heal(self) -> str:
        """Let every program run without faults until nothing is left to do; say what never ends."""
        self.ledger.refused.clear()
        self.log.wire.clear()
        for _ in range(self.settings.redrive_max_attempts):
            try:
                self.rebuild()
                self.relay()
                while not self.log.is_consumed:
                    self.consume(STEPS_MAX)
                self.redrive()
            except ServiceError as error:
                return f"healthy, and yet {error!r}"
            if left := self._left():
                continue
            return ""
        return left

    def _left(self) -> str:
        pending = sum(self.redis.look(campaign.id)[3] for campaign in self.campaigns)
        waiting = self.rows(
            "SELECT COUNT(*) FROM failed_event WHERE status = 'PENDING' AND topic = %s "
            "AND user_id <> 'forger'",
            self.log.topic,
        )
        if pending:
            return f"{pending} still pending"
        return f"failed events: {waiting[0][0]}" if waiting[0][0] else ""

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask MySQL from outside."""
        with self._rows.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def _kept_elsewhere(self) -> set[tuple[str, str]]:
        """Return (key of the campaign, user) of whoever Kafka or MySQL has."""
        found = {
            (str(campaign_id), str(user))
            for table in ("coupon", "failed_event")
            for campaign_id, user in self.rows(f"SELECT campaign_id, user_id FROM {table}")
        }
        values = itertools.chain.from_iterable(self.log.partitions)
        found |= {(one.campaign_id, one.user_id) for one in decoded(values)}
        return {(CampaignKeys.of(campaign_id).campaign, user) for campaign_id, user in found}

    def _clean(self) -> None:
        for table in TABLES:
            self.rows(f"DELETE FROM {table}")

    def _disconnect(self) -> None:
        self._reading.disconnect()
        self._writing.disconnect()


def _request(user: str, campaign_id: str | None) -> dict[str, Any]:
    return {
        "headers": {"user": user},
        "pathParameters": {"id": campaign_id} if campaign_id else None,
        "queryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "simulated"},
    }
