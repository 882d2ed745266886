"""A rebuild with a backlog in the topic: read page by page, and the first record of each counts."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from handlers import rebuild, wiring
from handlers.adapters.kafka import topic_reader
from handlers.adapters.mysql.failed_events import FailedEventQueue
from handlers.adapters.redis import rebuild as redis_rebuild
from handlers.consume import consume_handler
from handlers.domain import stored_coupons
from handlers.domain.errors import UnavailableError
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.rebuild import rebuild_handler
from local.lambda_context import LambdaContext
from tests.support.backlog import backlog_of
from tests.support.drift import Redis
from tests.support.redis_loss import flush
from tests.support.service import apply, create_campaign, kafka_event, message, rows
from tests.support.single import publish_one
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handlers.config import Settings
    from handlers.domain.fence import Unwritten

# Of one campaign, in this order; the first of each user and of each serial counts.
UNREAD = [("a", 1), ("b", 2), ("a", 1), ("b", 7), ("c", 2), ("c", 3), ("a", 3), ("d", 4), ("e", 9)]
FIRST = {b"a": 1, b"b": 2, b"c": 3, b"d": 4}


def rebuild_from_unread(campaign_id: str) -> None:
    values = [message(campaign_id, *one).encode() for one in UNREAD]
    backlog = backlog_of([b"no coupon", *values, None])
    topic = SimpleNamespace(unconsumed=lambda _: backlog, name="coupon_create")
    with wiring.override(wiring.topic, topic):
        rebuild_handler({}, None)


def holders(settings: Settings, campaign_id: str) -> dict[bytes, int]:
    found = Redis(settings, campaign_id)("ZRANGE", "applied_user", 0, -1, "WITHSCORES")
    return {user: int(serial) for user, serial in zip(found[::2], found[1::2], strict=True)}


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_the_first_record_of_each_user_and_serial_counts_whatever_the_pages(
    lossy: Settings, campaign_id: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=8)
    flush(lossy)
    monkeypatch.setattr(rebuild, "PAGE", size)
    monkeypatch.setattr(redis_rebuild, "BATCH", 2)
    rebuild_from_unread(campaign_id)
    assert holders(lossy, campaign_id) == FIRST


def forget_the_pages_before(monkeypatch: pytest.MonkeyPatch) -> None:
    add = rebuild._Restore.add

    def forgetful(self: rebuild._Restore, records: Iterable[Unwritten], *, pending: bool) -> None:
        self.loaded = SerialBitset()
        add(self, records, pending=pending)

    monkeypatch.setattr(rebuild._Restore, "add", forgetful)


def test_a_page_that_forgot_those_before_it_would_let_a_later_record_count(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    create_campaign(campaign_id, quantity=8)
    flush(lossy)
    monkeypatch.setattr(rebuild, "PAGE", 2)
    forget_the_pages_before(monkeypatch)
    rebuild_from_unread(campaign_id)
    assert holders(lossy, campaign_id) != FIRST


def test_what_redis_alone_remembers_yields_to_a_record(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=8)
    redis = Redis(lossy, campaign_id)
    redis("ZADD", "applied_user", 2, "a", 1, "never-told")
    redis("HSET", "campaign", "epoch", "f" * 40)
    monkeypatch.setattr(rebuild, "PAGE", 1)
    rebuild_from_unread(campaign_id)
    assert holders(lossy, campaign_id) == FIRST


def dead_letter(
    settings: Settings, campaign_id: str, events: Sequence[tuple[str, int]], status: str = "DEAD"
) -> None:
    """Store these users and serials in failed_event, in this order."""
    for user, serial in events:
        [(taken,)] = rows(settings, "SELECT COUNT(*) FROM failed_event")
        rows(
            settings,
            "INSERT INTO failed_event (campaign_id, user_id, topic, partition_no, offset_no, "
            "payload, reason, detail, status) VALUES (%s, %s, 'coupon_create', 0, %s, %s, "
            "'NOT_INSERTED', 'for a test', %s)",
            campaign_id,
            user,
            10**9 + taken,
            message(campaign_id, user, serial).encode(),
            status,
        )


def test_a_record_of_the_topic_outweighs_one_of_failed_event(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=8)
    dead_letter(lossy, campaign_id, [("other", 1), ("b", 8), ("waiting", 6)])
    flush(lossy)
    rebuild_from_unread(campaign_id)
    assert holders(lossy, campaign_id) == FIRST | {b"waiting": 6}


def rebuild_from_failed_events(settings: Settings, campaign_id: str) -> None:
    """Flush and rebuild. Between the events that count are ones that do not."""
    create_campaign(campaign_id, quantity=8)
    dead_letter(settings, campaign_id, UNREAD[:2], "PENDING")
    dead_letter(settings, campaign_id, [("x", 3), ("y", 4), ("z", 5)], "RESOLVED")
    dead_letter(settings, f"{campaign_id}-other", [("c", 4)])
    dead_letter(settings, campaign_id, UNREAD[2:])
    flush(settings)
    topic = SimpleNamespace(unconsumed=lambda _: backlog_of([]), name="coupon_create")
    with wiring.override(wiring.topic, topic):
        rebuild_handler({}, None)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 12, 1000])
def test_failed_events_count_the_same_whatever_the_pages_and_no_page_holds_more(
    lossy: Settings, campaign_id: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = FailedEventQueue.unresolved_page
    pages: list[int] = []

    def noting(
        self: FailedEventQueue, campaign_id: str, after: int, limit: int
    ) -> tuple[list[Unwritten], int | None]:
        page, last = read(self, campaign_id, after, limit)
        pages.append(len(page))
        return page, last

    monkeypatch.setattr(FailedEventQueue, "unresolved_page", noting)
    monkeypatch.setattr(rebuild, "PAGE", size)
    rebuild_from_failed_events(lossy, campaign_id)
    assert holders(lossy, campaign_id) == FIRST
    assert sum(pages) == len(UNREAD)
    assert max(pages) <= size


def test_a_page_of_failed_events_that_forgot_those_before_would_let_a_later_one_count(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(rebuild, "PAGE", 2)
    forget_the_pages_before(monkeypatch)
    rebuild_from_failed_events(lossy, campaign_id)
    assert holders(lossy, campaign_id) != FIRST


def test_a_function_without_time_says_how_far_it_came_and_the_campaign_stays_closed(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=8)
    for n in range(3):
        record = message(campaign_id, f"user-{n}", n + 1)
        assert publish_one(wiring.publisher(), record, "", time.monotonic() + WAIT_S)
    flush(lossy)
    monkeypatch.setattr(topic_reader, "RECORDS_MAX", 1)
    with pytest.raises(UnavailableError, match=r"^read \d of \d unread records .* time is over"):
        rebuild_handler({}, LambdaContext("rebuild_handler", 10.0))
    assert apply(campaign_id, "late").status == 503
    assert rebuild_handler({}, LambdaContext("rebuild_handler", 900.0)) == {
        "rebuilt": [campaign_id]
    }
    assert apply(campaign_id, "user-1").body["serial"] == 2


def rebuild_in(left_ms: int) -> int:
    """Rebuild in a time that does not pass; return how often the function asked for it."""
    asked: list[int] = []

    def ask_for_time() -> int:
        asked.append(left_ms)
        return left_ms

    topic = SimpleNamespace(unconsumed=lambda _: backlog_of([]), name="coupon_create")
    with wiring.override(wiring.topic, topic):
        rebuild_handler({}, SimpleNamespace(get_remaining_time_in_millis=ask_for_time))
    return len(asked)


def test_a_rebuild_asks_for_its_time_at_every_page_of_coupons_and_ends_when_it_is_over(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=8)
    issued = [message(campaign_id, f"user-{n}", n) for n in range(1, 7)]
    consume_handler(kafka_event(issued), None)
    flush(lossy)
    monkeypatch.setattr(stored_coupons, "PAGE", 2)
    # In a cluster the campaigns of other shards go on, and the error names those that did not.
    with pytest.raises(UnavailableError, match=f"this function's time is over|{campaign_id}"):
        rebuild_in(rebuild.PAGE_MS)
    assert apply(campaign_id, "user-6").status == 503
    assert rebuild_in(100_000) == 4  # three pages, and one that is empty
    assert apply(campaign_id, "user-6").body["serial"] == 6
