"""The only place where clients are built: once per process, when they are first needed.

Imports stand inside the functions on purpose: an apply that is not accepted must not pay for
Kafka's client, and none pays for MySQL's or AWS's (docs and tests hold to that).
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from handlers.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.adapters.aws.failed_batches import FailedBatches
    from handlers.adapters.aws.secret_store import SecretStore
    from handlers.adapters.kafka.publisher import Publisher
    from handlers.adapters.kafka.topic_reader import Topic
    from handlers.adapters.migration.runner import Migration
    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.failed_events import FailedEventQueue
    from handlers.adapters.mysql.fences import Fences
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
_MISSING = object()
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


@contextmanager
def override(get: Callable[[], object], client: object) -> Iterator[None]:
    """Let `get` return `client` for the block; for tests and benchmarks.

    Clients that were built on it within the block outlive it: end them with reset().
    """
    name = get.__name__
    with _lock:
        before = _built.get(name, _MISSING)
        _built[name] = client
    try:
        yield
    finally:
        with _lock:
            # reset() has removed and closed everything: then nothing is put back.
            if _built.get(name) is client:
                del _built[name]
                if before is not _MISSING:
                    _built[name] = before


def reset() -> None:
    """Close and forget every client, so that the next call reads the settings again."""
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
    """Return the authenticator of bearer tokens."""
    from handlers.edge.auth.authenticator import Authenticator

    secret_id = settings().auth_jwt_secret_id
    return Authenticator(settings(), secrets().signing("AUTH_JWT_SECRET_ID", secret_id))


@_once
def scripts() -> Scripts:
    """Return the runner of Lua scripts."""
    from handlers.adapters.redis.client import connect
    from handlers.adapters.redis.scripts import Scripts

    chosen, auth = settings(), secrets().redis_auth()
    epoch, is_cluster = chosen.redis_epoch, chosen.redis_cluster
    return Scripts(lambda: connect(chosen, auth), epoch=epoch, is_cluster=is_cluster)


@_once
def admissions() -> Admissions:
    """Return the admissions in Redis."""
    from handlers.adapters.redis.admissions import Admissions
    from handlers.domain.admission import RateLimits

    chosen = settings()
    limits = RateLimits(chosen.apply_rate_per_s, chosen.apply_rate_per_address_per_s)
    return Admissions(scripts(), limits)


@_once
def rejection_cache() -> RejectionCache:
    """Return the cache of campaigns that admit no more applicants."""
    from handlers.domain.rejection_cache import RejectionCache

    return RejectionCache(admissions())


@_once
def redis_campaigns() -> RedisCampaigns:
    """Return the campaigns in Redis."""
    from handlers.adapters.redis.campaigns import RedisCampaigns

    return RedisCampaigns(scripts())


@_once
def redis_rebuild() -> RedisRebuild:
    """Return the writer that brings campaigns back into Redis."""
    from handlers.adapters.redis.rebuild import RedisRebuild

    return RedisRebuild(scripts())


@_once
def topic() -> Topic:
    """Return the reader of the coupon topic."""
    from handlers.adapters.kafka.topic_reader import Topic

    return Topic(settings())


@_once
def publisher() -> Publisher:
    """Return the Kafka publisher."""
    from handlers.adapters.kafka.publisher import Publisher

    return Publisher(settings())


@_once
def database() -> Database:
    """Return the connections to MySQL."""
    from handlers.adapters.mysql.database import Database

    return Database(secrets().database_address, secrets().renew_database)


@_once
def ledger() -> Ledger:
    """Return the ledger of coupons in MySQL."""
    from handlers.adapters.mysql.ledger import Ledger

    # Read once per process: a coupon that is written again gets the code that it already has.
    secret = secrets().signing("COUPON_CODE_SECRET_ID", settings().coupon_code_secret_id)
    return Ledger(database(), secret.current() if secret else settings().coupon_code_secret)


@_once
def failed_event_queue() -> FailedEventQueue:
    """Return the queue of failed events."""
    from handlers.adapters.mysql.failed_events import FailedEventQueue

    return FailedEventQueue(
        database(), ledger(), admissions().reassign, settings().redrive_max_attempts
    )


@_once
def mysql_queries() -> MySqlQueries:
    """Return the queries on campaigns, coupons and failed events in MySQL."""
    from handlers.adapters.mysql.queries import MySqlQueries

    return MySqlQueries(database())


@_once
def fences() -> Fences:
    """Return the fences of the campaigns in MySQL."""
    from handlers.adapters.mysql.fences import Fences

    return Fences(database())


@_once
def admission_reader() -> RedisAdmissionReader:
    """Return the reader of admissions for a reconciliation."""
    from handlers.adapters.redis.reconciliation import RedisAdmissionReader

    return RedisAdmissionReader(scripts())


@_once
def coupon_reader() -> MySqlCouponReader:
    """Return the reader of coupons for a reconciliation."""
    from handlers.adapters.mysql.reconciliation import MySqlCouponReader

    return MySqlCouponReader(database())


@_once
def failed_batches() -> FailedBatches:
    """Return the batches that Lambda gave up and stored in S3."""
    from handlers.adapters.aws.failed_batches import FailedBatches

    return FailedBatches()


@_once
def migration() -> Migration:
    """Return the migration of schema, topic and epoch."""
    from handlers.adapters.migration.runner import Migration

    return Migration(settings(), secrets().database_address, secrets().redis_auth())


def warm_up() -> None:
    """Import what the consumer needs, before the first batch has to wait for it."""
    ledger()
    admissions()
