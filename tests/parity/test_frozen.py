"""Frozen after a response, thawed once every server has hung up: the next response is right."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from handlers.adapters.kafka.topic_reader import Topic
from handlers.adapters.migration.topic import ensure_topic
from handlers.adapters.redis.client import connect
from handlers.config import Settings
from handlers.domain.coupon import decoded
from local.servers import Tansu
from tests.parity.events import http, msk
from tests.parity.forwarder import Forwarder
from tests.support.service import coupons, create_campaign, message, mint, rows
from tests.support.state import retry_deadline
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from local.lambda_function.function import Function

APPLY, COUPON = "POST /campaigns/{id}/apply", "GET /campaigns/{id}/coupon"
IDLE_S = 1
# The first test builds the package, which takes long on a busy machine.
pytestmark = pytest.mark.timeout(600)


class HiddenTansu(Tansu):
    """A broker reachable through a forwarder only: it advertises the forwarder's address."""

    def __init__(self, forwarder: Forwarder) -> None:
        super().__init__()
        self._forwarder = forwarder
        forwarder.target = ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self._forwarder.port}"

    def command(self) -> Sequence[str]:
        """Return the command line with the forwarder's address."""
        option = f"--advertised-listener-url=tcp://{self.url}"
        return [option if word.startswith("--advertised") else word for word in super().command()]


@pytest.fixture
def forwarded_kafka() -> Iterator[tuple[Forwarder, str]]:
    """A broker of the test's own behind a forwarder, and its address."""
    with Forwarder() as forwarder, HiddenTansu(forwarder) as broker:
        yield forwarder, broker.url


@contextmanager
def impatient_redis(settings: Settings) -> Iterator[None]:
    """Let Redis hang up on every client that is idle for a second."""
    with closing(connect(settings)) as redis:
        usual = redis.config_get("timeout")["timeout"] or 0
        redis.config_set("timeout", IDLE_S)
        try:
            yield
        finally:
            redis.config_set("timeout", usual)


def test_a_thawed_function_whose_servers_have_all_hung_up_responds_correctly(
    service: Settings,
    environment: dict[str, str],
    campaign_id: str,
    forwarded_kafka: tuple[Forwarder, str],
    function: Callable[[str, Mapping[str, str]], AbstractContextManager[Function]],
) -> None:
    forwarder, address = forwarded_kafka
    # Time enough for an ack even on a busy machine: the record must be in the topic.
    kafka = {"KAFKA_BOOTSTRAP_SERVERS": address, "KAFKA_ACK_TIMEOUT_MS": "20000"}
    own = Settings.from_environment(environment | kafka)
    ensure_topic(own, retry_deadline())
    create_campaign(campaign_id, quantity=5)
    ours = redis_clients(service)
    with function("app.app", environment | kafka) as api:
        first = api.invoke(http(APPLY, campaign_id, token=mint("first"))).body
        assert first["statusCode"] == 202
        waiting = api.invoke(http(COUPON, campaign_id, token=mint("first"))).body
        assert (waiting["statusCode"], '"PENDING"' in waiting["body"]) == (200, True)
        theirs = redis_clients(service) - ours
        assert theirs
        api.freeze()
        with impatient_redis(service):
            eventually(lambda: not redis_clients(service) & theirs, "Redis hangs up")
        forwarder.cut()  # connections that the broker itself has not closed
        assert hang_up_mysql(service) > 0
        api.thaw()
        second = api.invoke(http(APPLY, campaign_id, token=mint("second"))).body
        waiting = api.invoke(http(COUPON, campaign_id, token=mint("first"))).body
        log = api.log()
    assert (second["statusCode"], '"serial":2' in second["body"]) == (202, True)
    assert (waiting["statusCode"], '"PENDING"' in waiting["body"]) == (200, True)
    assert "no ack from Kafka" not in log
    sent = decoded(one.value for one in Topic(own).unconsumed().records)
    assert [(coupon.user_id, coupon.serial) for coupon in sorted(sent, key=by_serial)] == [
        ("first", 1),
        ("second", 2),
    ]


def test_a_thawed_consumer_writes_its_batch_once(
    service: Settings,
    environment: dict[str, str],
    campaign_id: str,
    function: Callable[[str, Mapping[str, str]], AbstractContextManager[Function]],
) -> None:
    create_campaign(campaign_id, quantity=5)
    batches = [msk([message(campaign_id, f"user-{n}", n)], n) for n in (1, 2)]
    with function("app.consume_handler", environment) as consumer:
        assert consumer.invoke(batches[0]).body == {"batchItemFailures": []}
        consumer.freeze()
        assert hang_up_mysql(service) > 0
        consumer.thaw()
        assert consumer.invoke(batches[1]).body == {"batchItemFailures": []}
    assert coupons(service, campaign_id) == [("user-1", 1), ("user-2", 2)]


def redis_clients(settings: Settings) -> set[str]:
    """Return the ids of all clients of Redis except this one."""
    with closing(connect(settings)) as redis:
        own = redis.client_id()
        clients: list[dict[str, Any]] = redis.client_list()
    return {client["id"] for client in clients if int(client["id"]) != own}


def hang_up_mysql(settings: Settings) -> int:
    """Let MySQL end every connection of the service, as after wait_timeout; return how many."""
    address = settings.database_address
    assert address
    victims = rows(
        settings,
        "SELECT id FROM information_schema.processlist WHERE user = %s AND id <> connection_id()",
        address.user,
    )
    for (victim,) in victims:
        rows(settings, f"KILL {victim}")
    return len(victims)


def by_serial(coupon: Any) -> int:
    return int(coupon.serial)
