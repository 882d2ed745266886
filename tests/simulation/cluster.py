"""The service's own handlers, with adapters to Redis, Kafka and MySQL that the test controls."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest

from handlers import (
    apply,
    coupon_clients,
    operations,
    rebuild,
    redrive,
    relay,
    wiring,
)
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.adapters.mysql import database as mysql
from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges
from handlers.adapters.mysql.failed_events import FailedEventQueue
from handlers.adapters.mysql.fences import Fences
from handlers.adapters.redis.scripts import Scripts
from handlers.domain.reconciliation import reconciler as comparison
from handlers.domain.record import FailedStatus
from handlers.domain.rejection_cache import RejectionCache
from handlers.edge.auth.authenticator import User
from local.harness.responses import ACCEPTED
from local.migrate import owner_address
from tests.conftest import TABLES
from tests.simulation.actors import Killed, Stage
from tests.simulation.campaigns import simulated
from tests.simulation.clock import Clock
from tests.simulation.consumer import Consumer
from tests.simulation.journal import Journal
from tests.simulation.kafka import Log, Publisher, Topic
from tests.simulation.ledger import DirectWriters, Ledger
from tests.simulation.requests import request
from tests.simulation.responses import ResponseStats
from tests.simulation.servers import Changes, Redis, Transactions
from tests.simulation.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.config import Settings

# Counted as usual, and no user is stopped by it.
CALLS_PER_S = 1_000_000
INTERNAL = 500  # a fault of the service itself, for any cause


class Cluster:
    """One set of servers, on which one history follows the other."""

    def __init__(self, settings: Settings, *, epoch: bool = True, judged: bool = False) -> None:
        """judged: the model's acceptor judges each history at its end."""
        self.settings = replace(
            settings,
            pending_resend_after_s=0,
            apply_rate_per_s=CALLS_PER_S,
            apply_rate_per_address_per_s=CALLS_PER_S,
        )
        self._epoch = epoch
        self._is_judged = judged
        self.journal: Journal | None = None
        self._numbers = itertools.count(1)
        self.histories = self.faults = 0
        self.stage = Stage(self._disconnect)
        self.clock = Clock()
        self._patch = pytest.MonkeyPatch()
        self._overrides = ExitStack()

    def __enter__(self) -> Self:
        address = self.settings.database_address
        assert address
        self._rows = connect_to_mysql(owner_address(self.settings))  # a journal needs triggers
        self._rows.autocommit(True)  # noqa: FBT003 - PyMySQL's signature
        self.rows("SET SESSION innodb_lock_wait_timeout = 0")  # what is locked is so by a pause
        if self._is_judged:
            self.journal = Journal(self.settings.redis_url, self.rows, self._rows.cursor())
        # A paused transaction blocks all others: so a lock wait fails at once.
        session = mysql.SESSION.replace(f"= {mysql.LOCK_WAIT_TIMEOUT_S}", "= 0")
        self._patch.setattr(mysql, "SESSION", session)
        self._patch.setattr(mysql, "BACKOFF_S", 0)
        self._patch.setattr(comparison, "RECHECK_DELAY_S", 0)
        self.clock.replace_time(self._patch)
        self._patch.setattr(logging.getLogger("seonchak"), "disabled", True)
        self._reading = Transactions(lambda: address, self.stage, writes=False)
        self._writing = Transactions(lambda: address, self.stage, writes=True)
        self._changing = Changes(lambda: address, self.stage, writes=True)
        self.shop = Shop(self)
        self.redis = Redis(self.settings, self.stage)
        return self

    def __exit__(self, *_: object) -> None:
        self.stage.close()
        self._clean()
        self._disconnect()
        if self.journal:
            self.journal.close()
        wiring.reset()
        self._overrides.close()
        self.redis.close()
        self._rows.close()
        self._patch.undo()

    def begin(self, quantities: list[int], *, staged: bool = False) -> None:
        """Start a history with a campaign of each quantity.

        staged: the last coupon of each is released when the history is over.
        """
        self.histories += 1
        self.stage.kill_all()
        self._clean()
        number = next(self._numbers)
        self.campaigns = [
            simulated(f"s{number}-{n}", quantity, staged=staged)
            for n, quantity in enumerate(quantities)
        ]
        self.told: defaultdict[tuple[str, str], ResponseStats] = defaultdict(ResponseStats)
        self.poisoned: set[tuple[int, int]] = set()
        self.clock.now = 0.0
        self.new_epochs = 0
        self.internal: list[str] = []  # responses that report a fault of the service itself
        self.broken: list[str] = []  # promises that a response breaks by itself
        self._seen_steps = 0
        self.shop.begin()
        self.log = Log(f"simulated-{number}")
        self.story: list[str] = []
        self.redis.begin([campaign.id for campaign in self.campaigns])
        if self.journal:
            self.journal.watch(self.campaigns)
        self._wire()
        for campaign in self.campaigns:
            wiring.mysql_queries().create_campaign(campaign)
            wiring.redis_campaigns().open(campaign, created=True)
        self.redis.fsync()

    def _wire(self) -> None:
        redis: Any = self.redis
        scripts = Scripts(lambda: redis, epoch=self._epoch)
        self.ledger = Ledger(self._writing, self.settings.coupon_code_secret)
        self._overrides.close()  # before the reset, which must not close them
        wiring.reset()
        self._override(wiring.settings, self.settings)
        # Authentication is not simulated.
        identity = SimpleNamespace(
            authenticate=lambda headers: User(headers["user"], frozenset()),
            require_admin=lambda _: User("admin", frozenset()),
            require_scope=lambda *_: User("shop", frozenset()),
        )
        self._override(wiring.authenticator, identity)
        self._override(wiring.scripts, scripts)
        # What is cached expires by the time of the history.
        cache = RejectionCache(wiring.admissions(), self.clock.monotonic)
        self._override(wiring.rejection_cache, cache)
        self._override(wiring.topic, Topic(self.log, self.stage))
        self._override(wiring.publisher, Publisher(self.log, self.stage))
        self._override(wiring.direct_writer, DirectWriters(self.ledger))
        self._override(wiring.fences, Fences(self._writing))
        self._override(wiring.database, self._reading)
        self._override(wiring.ledger, self.ledger)
        attempts, reassign = self.settings.redrive_max_attempts, wiring.admissions().reassign
        queue = FailedEventQueue(self._writing, self.ledger, reassign, attempts)
        self._override(wiring.failed_event_queue, queue)
        self._override(coupon_clients.coupon_database, self._changing)
        self._override(operations.mysql_campaign_changes, MySqlCampaignChanges(self._changing))

    def _override(self, get: Callable[[], object], client: object) -> None:
        self._overrides.enter_context(wiring.override(get, client))

    @property
    def steps(self) -> int:
        """The number of steps so far: calls to servers, kills, and faults."""
        return self.stage.steps + self.faults

    # ---- programs --------------------------------------------------------------------------------

    def apply(self, users: Sequence[str], campaign_id: str) -> None:
        """The users apply and get their responses in one batch, unless the process is killed."""
        with self.shop.erasures.applying(users):
            self._apply(users, campaign_id)

    def _apply(self, users: Sequence[str], campaign_id: str) -> None:
        unanswered, sent_s = dict(enumerate(users)), time.time()
        pause = self.shop.pauses.number(campaign_id)
        try:
            for index, response in apply.apply_batch([request(u, campaign_id) for u in users]):
                user = unanswered.pop(index)
                code = self._record(user, campaign_id, response, sent_s)
                if code == ACCEPTED and pause and pause == self.shop.pauses.number(campaign_id):
                    self.broken.append(f"PAUSE: {user} is accepted while {campaign_id} is paused")
        except Killed:
            for user in unanswered.values():
                self.told[campaign_id, user].unsure = True
            raise

    def _record(self, user: str, campaign_id: str, response: dict[str, Any], sent_s: float) -> str:
        stats, body = self.told[campaign_id, user], json.loads(response["body"])
        code = body.get("outcome") or body["code"]
        stats.heard.append((code, body.get("serial", 0)))
        if self.journal:
            self.journal.respond(campaign_id, user, *stats.heard[-1], sent_s)
        stats.unsure |= response["statusCode"] >= 500
        self.story.append(f"{user} receives {code} {body.get('serial', '')} of {campaign_id}")
        return str(code)

    def consume(self, limit: int) -> None:
        Consumer(self.log, self.stage).run(limit)

    def relay(self) -> None:
        relay.relay_handler({}, None)

    def redrive(self, status: FailedStatus = FailedStatus.PENDING) -> None:
        """Redrive all of this status, due or not, as an administrator may."""
        response = redrive.redrive_now_handler(request("admin", None, status=status), None)
        if response["statusCode"] == INTERNAL:
            self.internal.append(f"redrive: {response['body']}")

    def rebuild(self) -> None:
        rebuild.rebuild_handler({}, None)

    # ---- other events ----------------------------------------------------------------------------

    def is_changed(self) -> bool:
        """Tell whether a server may have changed since the last call."""
        last, self._seen_steps = self._seen_steps, self.steps
        return last != self._seen_steps

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += seconds

    def rows(self, statement: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        """Query MySQL directly."""
        with self._rows.cursor() as cursor:
            cursor.execute(statement, named or values)
            return list(cursor.fetchall())

    def _clean(self) -> None:
        for table in TABLES:
            self.rows(f"DELETE FROM {table}")

    def _disconnect(self) -> None:
        self._reading.disconnect()
        self._writing.disconnect()
        self._changing.disconnect()
