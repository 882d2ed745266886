"""Runs one of the service's programs with named points around its adapters (`points`).

It also shortens timeouts of hours, lets the program's clock be stepped
(`clock`), and removes the guard in SEONCHAK_FAULTS_WITHOUT (`mutants`), for the controls that show
that the campaign would notice.
"""

from __future__ import annotations

import importlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from handlers import apply, rebuild
from handlers.adapters.kafka import publisher
from handlers.adapters.kafka.publisher import Publisher
from handlers.adapters.mysql import failed_events as failed_event_queue
from handlers.adapters.mysql.failed_events import FailedEventQueue
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.domain.admission import Outcome
from local.poll_runner import backoff
from tests.faults import clock
from tests.faults import mutants as unguarded
from tests.faults.points import FOLDER, Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.admission import Admission, Applicant
    from handlers.domain.coupon import CouponAccepted, OutgoingMessage
    from handlers.domain.errors import UnavailableError

# Which server holds which admission, one a line: campaign, user, holder.
JOURNAL = "held.journal"
BY_DISK, BY_KAFKA = "disk", "kafka"
# A history has seconds where an outage has minutes.
BREAKER_OPEN_S = 0.5
RETRY_S_MAX = 1.0
REDRIVE_S_MAX = 1
RESPAWN_S = 0.2
# All clocks of a history are the same.
IN_FLIGHT_MARGIN_MS = 100


def run(role: str, module: str, arguments: Sequence[str]) -> int:
    """Prepare, then run the program; return its exit code."""
    folder = Path(os.environ[FOLDER])
    publisher.OPEN_S = BREAKER_OPEN_S
    backoff.DELAY_S_MAX = RETRY_S_MAX
    failed_event_queue.BACKOFF_S_MAX = REDRIVE_S_MAX
    rebuild.IN_FLIGHT_MARGIN_MS = IN_FLIGHT_MARGIN_MS
    program: Any = importlib.import_module(module)
    if module == "local.serve":
        program.Granian = partial(program.Granian, respawn_interval=RESPAWN_S)
    if module == "local.poll_runner.run":
        program.SESSION_TIMEOUT_MS_MIN = 1  # a killed member is missed soon
    clock.follow(folder)
    points = Points(role, folder)
    _note_acknowledged(folder / JOURNAL)
    _name_points(points)
    _note_durable(folder / JOURNAL)
    _name_admission(points)
    if guard := os.environ.get(unguarded.VARIABLE):
        unguarded.WITHOUT[guard]()
    return int(program.main(arguments))


def _name_points(points: Points) -> None:
    wrap = points.wrap
    wrap(Publisher, "_send", after="sending")
    wrap(Publisher, "publish_all", after="resent")  # the gateway's is never armed: it has "sent"
    wrap(apply, "_hand_over", after="sent")
    wrap(Admissions, "make_all_durable", after="durable")
    wrap(Admissions, "overdue", after="overdue", when=lambda page: page.coupons)
    wrap(Admissions, "reassign", after="reassigned")
    wrap(Ledger, "insert", after="inserted")
    wrap(pymysql.Connection, "commit", before="commit-before", after="committed")
    wrap(Admissions, "settle", after="settled")
    wrap(FailedEventQueue, "_write", after="rewritten")
    wrap(FailedEventQueue, "_update_status", after="marked")
    wrap(FailedEventQueue, "redrive", after="redriven", when=lambda done: done.last_id)
    wrap(FailedEventQueue, "unresolved", after="kept")
    wrap(FailedEventQueue, "requeue_dead", after="revived")
    wrap(RedisRebuild, "begin_epoch", after="epoch-begun")
    wrap(RedisRebuild, "begin", after="begun")
    wrap(RedisRebuild, "restore", after="restored")
    wrap(RedisRebuild, "release_gaps", after="released")
    wrap(RedisRebuild, "reopen", after="reopened")
    wrap(RedisRebuild, "renew_epoch", after="renewed")


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


def _note_acknowledged(journal: Path) -> None:
    """Note the users whose records Kafka acknowledged, sent by an apply or the relay."""
    publish_all = Publisher.publish_all

    def noted(self: Publisher, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        acknowledged = publish_all(self, outgoing_messages)
        _note(journal, [one.message for one in outgoing_messages], acknowledged, BY_KAFKA)
        return acknowledged

    Publisher.publish_all = noted  # type: ignore[method-assign]


def _note_durable(journal: Path) -> None:
    """Note the users whose acceptance only Redis's disk holds, before they get the response."""
    make_all_durable = Admissions.make_all_durable

    def noted(self: Admissions, admitted: Sequence[CouponAccepted]) -> list[bool]:
        is_durable = make_all_durable(self, admitted)
        _note(journal, admitted, is_durable, BY_DISK)
        return is_durable

    Admissions.make_all_durable = noted  # type: ignore[method-assign]


def _note(
    journal: Path, messages: Sequence[CouponAccepted], is_held: Sequence[bool], holder: str
) -> None:
    held = [message for message, held in zip(messages, is_held, strict=True) if held]
    with journal.open("a", encoding="utf-8") as file:
        file.writelines(f"{one.campaign_id} {one.user_id} {holder}\n" for one in held)
