"""Handlers without servers: settings that name no real server, and fakes wired in."""

from __future__ import annotations

import io
import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from handlers import coupon_clients, log, operations, webhook_clients, wiring
from handlers.config import Settings
from handlers.domain.campaign_list import CampaignList
from handlers.domain.reconciliation import reconciler as comparison
from handlers.domain.refusal_counts import REFUSALS
from handlers.edge.http.request_log import REQUESTS
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.token import sign
from tests.support.fake_campaign import FakeCampaign
from tests.support.fake_coupons import FakeCouponStates, FakePlacesInRedis, FakeReturnedPlaces
from tests.support.fake_lists import (
    FakeCouponList,
    FakeEventList,
    FakeRefusalStore,
    FakeReportReader,
)
from tests.support.fake_mysql import FakeDirectWriter, FakeFailedEventQueue
from tests.support.fake_reads import (
    FakeAdmissionReader,
    FakeCouponReader,
    FakeMySqlQueries,
    FakeRedisCampaigns,
)
from tests.support.fake_webhooks import FakeDeliveryLog, FakeWebhooks
from tests.support.fakes import NOW_MS, FakeAdmissions, FakeLedger, FakePublisher
from tests.support.log_lines import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

# A busy machine is not a fault of the code: pytest's own timeout ends a test that hangs.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("unhurried")

HOUR_MS = 3_600_000
ENVIRONMENT = {
    **DEVELOPMENT_SETTINGS,
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://root:database-password@127.0.0.1:1/coupons",
}


@dataclass
class Fakes:
    """The fakes that the handlers of a test use."""

    admissions: FakeAdmissions = field(default_factory=FakeAdmissions)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    direct_writer: FakeDirectWriter = field(default_factory=FakeDirectWriter)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    redis_campaigns: FakeRedisCampaigns = field(default_factory=FakeRedisCampaigns)
    failed_event_queue: FakeFailedEventQueue = field(default_factory=FakeFailedEventQueue)
    mysql_queries: FakeMySqlQueries = field(default_factory=FakeMySqlQueries)
    coupon_states: FakeCouponStates = field(default_factory=FakeCouponStates)
    places_in_redis: FakePlacesInRedis = field(default_factory=FakePlacesInRedis)
    returned_places: FakeReturnedPlaces = field(init=False)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    delivery_log: FakeDeliveryLog = field(default_factory=FakeDeliveryLog)
    campaign_list: CampaignList = field(init=False)
    admission_reader: FakeAdmissionReader = field(init=False)
    coupon_reader: FakeCouponReader = field(init=False)
    coupon_list: FakeCouponList = field(init=False)
    event_list: FakeEventList = field(init=False)
    report_reader: FakeReportReader = field(init=False)
    refusal_store: FakeRefusalStore = field(init=False)

    def __post_init__(self) -> None:
        self.returned_places = FakeReturnedPlaces(self.coupon_states)
        self.campaign_list = CampaignList(self.redis_campaigns)
        self.admission_reader = FakeAdmissionReader(self.admissions, self.redis_campaigns)
        self.coupon_reader = FakeCouponReader(self.mysql_queries)
        self.coupon_list = FakeCouponList(self.mysql_queries)
        self.event_list = FakeEventList(self.mysql_queries)
        self.report_reader = FakeReportReader(self.mysql_queries)
        self.refusal_store = FakeRefusalStore(self.redis_campaigns)


def home_of(name: str) -> ModuleType:
    """Return the module that builds this client."""
    homes = (wiring, coupon_clients, operations, webhook_clients)
    return next(home for home in homes if hasattr(home, name))


@pytest.fixture
def service_settings() -> Settings:
    return Settings.from_environment(ENVIRONMENT)


@pytest.fixture
def fakes(service_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fakes]:
    """Wire fakes in, with real tokens."""
    wiring.reset()
    REFUSALS.take()  # of tests with servers, in this process
    monkeypatch.setattr(comparison, "RECHECK_DELAY_S", 0)  # fakes have no events in flight
    made = Fakes()
    with ExitStack() as overrides:
        overrides.enter_context(wiring.override(wiring.settings, service_settings))
        for name in Fakes.__dataclass_fields__:
            fake = getattr(made, name)
            overrides.enter_context(wiring.override(getattr(home_of(name), name), fake))
        overrides.enter_context(wiring.override(wiring.own_coupon_queries, made.mysql_queries))
        yield made
    wiring.reset()
    REFUSALS.take()  # no other test stores them


@pytest.fixture
def campaign(fakes: Fakes) -> FakeCampaign:
    """Two coupons, open for an hour."""
    made = FakeCampaign(2, NOW_MS - 1000, NOW_MS + HOUR_MS)
    fakes.admissions.campaigns["welcome"] = made
    return made


class LogLines:
    """What the service has logged, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def clear(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return parsed(self.text.splitlines())


@pytest.fixture
def logged() -> Iterator[LogLines]:
    """Collect the log of one test in place of standard error."""
    collected = LogLines()
    handler = logging.StreamHandler(collected.stream)
    handler.setFormatter(log.JsonFormatter())
    before = log.LOGGER.handlers[:], log.LOGGER.level, log.LOGGER.propagate
    log.LOGGER.handlers[:] = [handler]
    log.LOGGER.setLevel(logging.INFO)
    log.LOGGER.propagate = False
    REQUESTS.flush()  # an earlier test's, of this second
    collected.clear()
    yield collected
    REQUESTS.flush()
    log.LOGGER.handlers[:] = before[0]
    log.LOGGER.setLevel(before[1])
    log.LOGGER.propagate = before[2]


@pytest.fixture
def bearer() -> Bearer:
    return Bearer()


class Bearer:
    """Mints headers with the development secret."""

    def __call__(self, user: str = "42", **claims: Any) -> dict[str, str]:
        payload = {"sub": user, "exp": int(time.time()) + 600, **claims}
        token = sign(payload, ENVIRONMENT["AUTH_JWT_SECRET"])
        return {"Authorization": f"Bearer {token}"}

    def admin(self) -> dict[str, str]:
        return self("admin", scope="coupon:admin")
