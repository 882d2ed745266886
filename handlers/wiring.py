"""Builds the clients, once per process, when they are first needed; operations.py the others.

Imports stand inside the functions on purpose: an apply that is not accepted must not pay for
Kafka's client, and none pays for MySQL's or AWS's (docs and tests hold to that).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.config import Settings
from handlers.gc_pause import gc_paused
from handlers.once import once, override, reset

if TYPE_CHECKING:
    from handlers.adapters.aws.secret_store import SecretStore
    from handlers.adapters.kafka.publisher import Publisher
    from handlers.adapters.kafka.topic_reader import Topic
    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.direct_writer import DirectWriter
    from handlers.adapters.mysql.failed_events import FailedEventQueue
    from handlers.adapters.mysql.fences import Fences
    from handlers.adapters.mysql.ledger import Ledger
    from handlers.adapters.mysql.queries import MySqlQueries
    from handlers.adapters.mysql.unreadable_batches import UnreadableBatches
    from handlers.adapters.readiness import Readiness
    from handlers.adapters.redis.admissions import Admissions
    from handlers.adapters.redis.campaigns import RedisCampaigns
    from handlers.adapters.redis.rebuild import RedisRebuild
    from handlers.adapters.redis.scripts import Scripts
    from handlers.domain.campaign_list import CampaignList
    from handlers.domain.challenge import Challenges
    from handlers.domain.pseudonyms import Pseudonyms
    from handlers.domain.rejection_cache import RejectionCache
    from handlers.domain.screening import Screener
    from handlers.edge.auth.authenticator import Authenticator

__all__ = ["override", "reset"]  # used as wiring.override and wiring.reset


@once
def settings() -> Settings:
    """Return the settings of this process's environment."""
    return Settings.from_environment()


@once
def secrets() -> SecretStore:
    """Return the secrets that the settings name."""
    from handlers.adapters.aws.secret_store import SecretStore

    return SecretStore(settings())


@once
def authenticator() -> Authenticator:
    """Return the authenticator of bearer tokens."""
    from handlers.edge.auth.authenticator import Authenticator

    secret_id = settings().auth_jwt_secret_id
    return Authenticator(settings(), secrets().signing("AUTH_JWT_SECRET_ID", secret_id))


@once
def scripts() -> Scripts:
    """Return the runner of Lua scripts."""
    from handlers.adapters.redis.client import connect
    from handlers.adapters.redis.scripts import Scripts

    chosen, auth = settings(), secrets().redis_auth()
    return Scripts(
        lambda: connect(chosen, auth),
        epoch=chosen.redis_epoch,
        is_cluster=chosen.redis_cluster,
        confirming_replicas=chosen.redis_confirming_replicas,
    )


@once
def admissions() -> Admissions:
    """Return the admissions in Redis."""
    from handlers.adapters.redis.admissions import Admissions
    from handlers.domain.admission import RateLimits

    chosen = settings()
    limits = RateLimits(chosen.apply_rate_per_s, chosen.apply_rate_per_address_per_s)
    return Admissions(scripts(), limits, pseudonyms)


@once
def rejection_cache() -> RejectionCache:
    """Return the cache of campaigns that admit no more applicants."""
    from handlers.domain.rejection_cache import RejectionCache

    return RejectionCache(admissions())


@once
def screener() -> Screener:
    """Return the check of applicants against the rules of their campaigns."""
    from handlers.domain.screening import Screener

    return Screener(admissions, challenges, pseudonyms)


@once
def challenges() -> Challenges:
    """Return the issuer and checker of challenges; raise ConfigurationError without a secret."""
    from handlers.domain.challenge import Challenges, FixedSecret

    secret = secrets().signing("CHALLENGE_SECRET_ID", settings().challenge_secret_id)
    return Challenges(secret or FixedSecret(settings().required_challenge_secret()))


@once
def redis_campaigns() -> RedisCampaigns:
    """Return the campaigns in Redis."""
    from handlers.adapters.redis.campaigns import RedisCampaigns

    return RedisCampaigns(scripts())


@once
def campaign_list() -> CampaignList:
    """Return the public list of campaigns."""
    from handlers.domain.campaign_list import CampaignList

    return CampaignList(redis_campaigns())


@once
def redis_rebuild() -> RedisRebuild:
    """Return the writer that brings campaigns back into Redis."""
    from handlers.adapters.redis.rebuild import RedisRebuild

    return RedisRebuild(scripts())


@once
def topic() -> Topic:
    """Return the reader of the coupon topic."""
    from handlers.adapters.kafka.topic_reader import Topic

    return Topic(settings(), unreadable_batches().keep)


@once
def publisher() -> Publisher:
    """Return the Kafka publisher."""
    with gc_paused():  # on Lambda the first applicant who is admitted waits for it
        from handlers.adapters.kafka.publisher import Publisher

    return Publisher(settings())


@once
def database() -> Database:
    """Return the connections to MySQL."""
    from handlers.adapters.mysql.database import Database

    return Database(secrets().database_address, secrets().renew_database)


@once
def ledger() -> Ledger:
    """Return the ledger of coupons in MySQL."""
    from handlers.adapters.mysql.ledger import Ledger

    return Ledger(database(), code_secret())


@once
def pseudonyms() -> Pseudonyms:
    """Return the pseudonyms of users who were erased."""
    from handlers.domain.pseudonyms import Pseudonyms

    return Pseudonyms(code_secret)


def code_secret() -> str:
    """Return the secret of the codes.

    Each client reads it once: a coupon that is written again gets the code that it already has.
    """
    secret = secrets().signing("COUPON_CODE_SECRET_ID", settings().coupon_code_secret_id)
    return secret.current() if secret else settings().coupon_code_secret


@once
def direct_writer() -> DirectWriter:
    """Return the writer of admissions that Kafka does not acknowledge."""
    from handlers.adapters.mysql.database import OF_AN_APPLICANT, Database
    from handlers.adapters.mysql.direct_writer import DirectWriter
    from handlers.adapters.mysql.ledger import Ledger

    store = secrets()
    connections = Database(store.database_address, store.renew_database, OF_AN_APPLICANT)
    return DirectWriter(Ledger(connections, code_secret()))


@once
def failed_event_queue() -> FailedEventQueue:
    """Return the queue of failed events."""
    from handlers.adapters.mysql.failed_events import FailedEventQueue

    return FailedEventQueue(
        database(), ledger(), admissions().reassign, settings().redrive_max_attempts
    )


@once
def unreadable_batches() -> UnreadableBatches:
    """Return the batches of the topic that cannot be read."""
    from handlers.adapters.mysql.unreadable_batches import UnreadableBatches

    return UnreadableBatches(database(), ledger())


@once
def mysql_queries() -> MySqlQueries:
    """Return the queries on campaigns, coupons and failed events in MySQL."""
    from handlers.adapters.mysql.queries import MySqlQueries

    return MySqlQueries(database())


@once
def own_coupon_queries() -> MySqlQueries:
    """Return the queries on a user's own coupon, for which the user waits."""
    from handlers.adapters.mysql.guarded_database import GuardedDatabase
    from handlers.adapters.mysql.queries import MySqlQueries

    return MySqlQueries(GuardedDatabase(secrets().database_address, secrets().renew_database))


@once
def readiness() -> Readiness:
    """Return the state of each server; it builds each client when it first asks it."""
    from handlers.adapters.readiness import Readiness

    return Readiness(
        redis=lambda: redis_campaigns().ping(),
        kafka=lambda: publisher().ping(),
        # Those who wait less long than a consumer does.
        mysql=lambda: own_coupon_queries().ping(),
    )


@once
def fences() -> Fences:
    """Return the fences of the campaigns in MySQL."""
    from handlers.adapters.mysql.fences import Fences

    return Fences(database())


def warm_up() -> None:
    """Import what the consumer needs, before the first batch has to wait for it."""
    ledger()
    admissions()
