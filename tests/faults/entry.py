"""Runs one of the service's programs with named points around its adapters (`points`).

It also shortens timeouts of hours, lets the program's clock be stepped
(`clock`), and removes the guard in SEONCHAK_FAULTS_WITHOUT (`mutants`), for the controls that show
that the campaign would notice.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from handlers import apply, consume, rebuild
from handlers.adapters.kafka import publisher
from handlers.adapters.kafka.publisher import Publisher
from handlers.adapters.kafka.topic_reader import Topic
from handlers.adapters.mysql import coupon_states, direct_writer
from handlers.adapters.mysql import failed_events as failed_event_queue
from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges
from handlers.adapters.mysql.coupon_states import CouponStates
from handlers.adapters.mysql.failed_events import FailedEventQueue
from handlers.adapters.mysql.fences import Fences
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.mysql.returned_places import ReturnedPlaces
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.campaign_changes import RedisCampaignChanges
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.adapters.redis.returned_places import PlacesInRedis
from handlers.domain.admission import Outcome
from local.poll_runner import backoff
from tests.faults import clock, notes
from tests.faults import mutants as unguarded
from tests.faults.points import FOLDER, Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.admission import Admission, Applicant
    from handlers.domain.errors import UnavailableError

# A history has seconds where an outage has minutes.
BREAKER_OPEN_S = 0.5
RETRY_S_MAX = 1.0
REDRIVE_S_MAX = 1
DIRECT_PAUSE_S = 0.3
# Histories begin when their campaigns are created: what a shard misses then, it has lost.
CREATION_S = 1
# The batches of a history are small, and have to be written in several parts all the same.
PART_RECORDS = 4


def run(role: str, module: str, arguments: Sequence[str]) -> int:
    """Prepare, then run the program; return its exit code."""
    folder = Path(os.environ[FOLDER])
    publisher.OPEN_S = BREAKER_OPEN_S
    backoff.DELAY_S_MAX = RETRY_S_MAX
    failed_event_queue.BACKOFF_S_MAX = REDRIVE_S_MAX
    direct_writer.PAUSE_S = DIRECT_PAUSE_S
    vars(rebuild)["CREATION_S"] = CREATION_S
    consume.PART_RECORDS = PART_RECORDS
    program: Any = importlib.import_module(module)
    if module == "local.poll_runner.run":
        program.SESSION_TIMEOUT_MS_MIN = 1  # a killed member is missed soon
    clock.follow(folder)
    points = Points(role, folder)
    notes.follow(folder / notes.JOURNAL)
    _name_points(points)
    _name_admission(points)
    if guard := os.environ.get(unguarded.VARIABLE):
        unguarded.WITHOUT[guard]()
    return int(program.main(arguments))


def _name_points(points: Points) -> None:
    wrap = points.wrap
    wrap(Publisher, "_send", before="unsent", after="sending")
    wrap(Publisher, "publish_all", after="resent")  # the gateway's is never armed: it has "sent"
    wrap(apply, "_hand_over", after="sent")
    wrap(Admissions, "confirm_all", after="confirmed", when=lambda replies: replies)
    wrap(Ledger, "write_direct", before="writing", after="written")
    wrap(Admissions, "overdue", after="overdue", when=lambda page: page.coupons)
    wrap(Admissions, "reassign", after="reassigned")
    wrap(Ledger, "insert", after="inserted")
    wrap(pymysql.Connection, "commit", before="commit-before", after="committed")
    wrap(Admissions, "settle", after="settled")
    wrap(FailedEventQueue, "_write", after="rewritten")
    wrap(FailedEventQueue, "_update_status", after="marked")
    wrap(FailedEventQueue, "redrive", after="redriven", when=lambda done: done.last_id)
    wrap(FailedEventQueue, "unresolved_page", after="kept")
    wrap(FailedEventQueue, "requeue_dead", after="revived")
    wrap(RedisRebuild, "begin_epoch", after="epoch-begun")
    wrap(Fences, "raise_fence", after="fence-raised")
    wrap(RedisRebuild, "begin", after="begun")
    wrap(Topic, "unconsumed", after="topic-begun")
    wrap(rebuild._Restore, "finish", before="topic-read")
    wrap(Fences, "store_offsets", after="offsets-stored")
    wrap(RedisRebuild, "restore", after="restored")
    wrap(RedisRebuild, "release_gaps", after="released")
    wrap(RedisRebuild, "reopen", after="reopened")
    wrap(RedisRebuild, "renew_epoch", after="renewed")
    wrap(coupon_states, "write_change", before="state-writing")
    wrap(CouponStates, "change", after="state-changed")
    wrap(ReturnedPlaces, "revoke", after="ended", when=lambda ended: ended.returns)
    wrap(ReturnedPlaces, "give_back", after="ended")
    wrap(PlacesInRedis, "apply_returns", after="place-passed-on")
    wrap(RedisCampaignChanges, "narrow", after="narrowed")
    wrap(MySqlCampaignChanges, "make", after="changed")
    wrap(RedisCampaignChanges, "push", after="pushed")


def _name_admission(points: Points) -> None:
    """Name the point after the script, for users that it admitted."""
    admit_all = Admissions.admit_all

    def admitted(
        self: Admissions, applicants: Sequence[Applicant]
    ) -> list[Admission | UnavailableError]:
        decided = admit_all(self, applicants)
        if any(getattr(one, "outcome", None) is Outcome.ACCEPTED for one in decided):
            points.reached("admitted")
        return decided

    Admissions.admit_all = admitted  # type: ignore[method-assign]
