"""The only place where clients are built: once per process, when they are first needed.

Imports stand inside the functions on purpose: an apply that is not accepted must not pay for
Kafka's client, and none pays for MySQL's or AWS's (docs and tests hold to that).
"""

from __future__ import annotations

from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from handlers.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.adapters.aws.failed_batches import FailedBatches
    from handlers.adapters.aws.secret_store import SecretStore
    from handlers.adapters.kafka.publisher import Publisher
    from handlers.adapters.kafka.topic_reader import Topic
    from handlers.adapters.migration.runner import Migration
    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.failed_events import FailedEventQueue
    from handlers.adapters.mysql.ledger import Ledger
    from handlers.adapters.mysql.queries import MySqlQueries
    from handlers.adapters.mysql.reconciliation import MySqlCouponReader
    from handlers.adapters.redis.admissions import Admissions
    from handlers.adapters.redis.campaigns import RedisCampaigns
    from handlers.adapters.redis.rebuild import RedisRebuild
    from handlers.adapters.redis.reconciliation import RedisAdmissionReader
    from handlers.adapters.redis.scripts import Scripts
    from handlers.domain.rejection_cache import RejectionCache
    from handlers.edge.auth.authenticator import Authenticator

T = TypeVar("T")

_built: dict[str, object] = {}
_lock = RLock()


def _once(build: Callable[[], T]) -> Callable[[], T]:
    """Call `build` once per process, also when many threads ask first at the same time."""
    name = build.__name__

    @wraps(build)
    def get() -> T:
        try:
            return _built[name]  # type: ignore[return-value]
        except KeyError:
            with _lock:
                if name not in _built:
                    _built[name] = build()
                return _built[name]  # type: ignore[return-value]

    return get


def reset() -> None:
    """Close and forget every client, so that the next call reads the settings anew."""
    with _lock:
        clients = list(_built.values())
        _built.clear()
    for client in clients:
        close = getattr(client, "close", None)
        if close:
            close()


@_once
def settings() -> Settings:
    """Return the settings of this process's environment."""
    return Settings.from_environment()


@_once
def secrets() -> SecretStore:
    """Return the secrets that the settings name."""
    from handlers.adapters.aws.secret_store import SecretStore

    return SecretStore(settings())


@_once
def authenticator() -> Authenticator:
    """Return what checks bearer tokens."""
    from handlers.edge.auth.authenticator import Authenticator

    secret_id = settings().auth_jwt_secret_id
    return Authenticator(settings(), secrets().signing("AUTH_JWT_SECRET_ID", secret_id))


@_once
def scripts() -> Scripts:
    """Return what runs scripts in Redis."""
    from handlers.adapters.redis import client as redis_client
    from handlers.adapters.redis.scripts import Scripts

    auth = secrets().redis_auth()
    return Scripts(lambda: redis_client.connect(settings(), auth), epoch=settings().redis_epoch)


@_once
def admissions() -> Admissions:
    """Return what admits applicants."""
    from handlers.adapters.redis.admissions import Admissions
    from handlers.domain.admission import RateLimits

    chosen = settings()
    limits = RateLimits(chosen.apply_rate_per_s, chosen.apply_rate_per_address_per_s)
    return Admissions(scripts(), limits)


@_once
def rejection_cache() -> RejectionCache:
    """Return what remembers campaigns that admit nobody any more."""
    from handlers.domain.rejection_cache import RejectionCache

    return RejectionCache(admissions())


@_once
def redis_campaigns() -> RedisCampaigns:
    """Return the campaigns in Redis."""
    from handlers.adapters.redis.campaigns import RedisCampaigns

    return RedisCampaigns(scripts())


@_once
def redis_rebuild() -> RedisRebuild:
    """Return what brings campaigns back into Redis."""
    from handlers.adapters.redis.rebuild import RedisRebuild

    return RedisRebuild(scripts())


@_once
def topic() -> Topic:
    """Return what reads the topic."""
    from handlers.adapters.kafka.topic_reader import Topic

    return Topic(settings())


@_once
def publisher() -> Publisher:
    """Return the way to Kafka."""
    from handlers.adapters.kafka.publisher import Publisher

    return Publisher(settings())


@_once
def database() -> Database:
    """Return the connections to MySQL."""
    from handlers.adapters.mysql.database import Database

    return Database(secrets().database_address, secrets().renew_database)


@_once
def ledger() -> Ledger:
    """Return what writes coupons to MySQL."""
    from handlers.adapters.mysql.ledger import Ledger

    # For as long as the process lives: who is written again gets the code that stands already.
    kept = secrets().signing("COUPON_CODE_SECRET_ID", settings().coupon_code_secret_id)
    return Ledger(database(), kept.current() if kept else settings().coupon_code_secret)


@_once
def failed_event_queue() -> FailedEventQueue:
    """Return what drives failed events again."""
    from handlers.adapters.mysql.failed_events import FailedEventQueue

    return FailedEventQueue(
        database(), ledger(), admissions().reassign, settings().redrive_max_attempts
    )


@_once
def mysql_queries() -> MySqlQueries:
    """Return what reads coupons from MySQL."""
    from handlers.adapters.mysql.queries import MySqlQueries

    return MySqlQueries(database())


@_once
def admission_reader() -> RedisAdmissionReader:
    """Return what reads admissions for a comparison."""
    from handlers.adapters.redis.reconciliation import RedisAdmissionReader

    return RedisAdmissionReader(scripts())


@_once
def coupon_reader() -> MySqlCouponReader:
    """Return what reads coupons for a comparison."""
    from handlers.adapters.mysql.reconciliation import MySqlCouponReader

    return MySqlCouponReader(database())


@_once
def failed_batches() -> FailedBatches:
    """Return the batches that Lambda gave up, as it leaves them in S3."""
    from handlers.adapters.aws.failed_batches import FailedBatches

    return FailedBatches()


@_once
def migration() -> Migration:
    """Return what sets up schema, topic and epoch."""
    from handlers.adapters.migration.runner import Migration

    return Migration(settings(), secrets().database_address, secrets().redis_auth())


def warm_up() -> None:
    """Import what the consumer needs, before the first batch has to wait for it."""
    ledger()
    admissions()
