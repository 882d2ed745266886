"""Pages of failed_event: each waits for a redrive that is writing one of its rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.mysql import failed_events
from handlers.adapters.mysql.connection import connect
from tests.support.service import message, rows
from tests.support.state import statement
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

USERS = ("a", "b", "c")
# MariaDB reads a list of more than a thousand ids in another way than a short one.
FILL = 1500


@pytest.fixture
def waiting(service: Settings, campaign_id: str) -> Iterator[str]:
    """Return a campaign with many resolved events and three that wait."""
    insert = (
        "INSERT INTO failed_event (campaign_id, user_id, topic, partition_no, offset_no, payload, "
        "reason, detail, status) VALUES "
    )
    resolved = ", ".join(
        f"('{campaign_id}', 'u', 'filled', 0, {n}, '', 'NOT_INSERTED', '', 'RESOLVED')"
        for n in range(FILL)
    )
    rows(service, insert + resolved)
    for n, user in enumerate(USERS):
        values = "(%s, %s, 'open', 0, %s, %s, 'NOT_INSERTED', '', 'PENDING')"
        payload = message(campaign_id, user, n + 1).encode()
        rows(service, insert + values, campaign_id, user, n, payload)
    yield campaign_id
    statement(service, f"DELETE FROM failed_event WHERE campaign_id = '{campaign_id}'")


def offsets_beside_a_redrive(settings: Settings, campaign_id: str, *, locks: bool) -> list[int]:
    """Return what the pages have while a redrive resolves the second event."""
    address = settings.database_address
    assert address
    queue = wiring.failed_event_queue()

    def read() -> list[int]:
        pages = queue.unresolved(campaign_id, FILL * 2)
        return [record.position.offset for page in pages for record in page]

    def is_waiting() -> bool:
        statements = rows(settings, "SELECT info FROM information_schema.processlist")
        return any("status <> 'RESOLVED'" in str(one) for (one,) in statements)

    with closing(connect(address)) as redrive, ThreadPoolExecutor(1) as pool:
        redrive.begin()
        with redrive.cursor() as cursor:
            cursor.execute(
                "UPDATE failed_event SET status = 'RESOLVED' WHERE topic = 'open' AND offset_no = 1"
            )
        pages = pool.submit(read)
        eventually(is_waiting if locks else pages.done, "a page that waits, or is read")
        redrive.commit()
        return pages.result(WAIT_S)


def test_what_a_redrive_resolves_meanwhile_is_in_no_page(service: Settings, waiting: str) -> None:
    assert offsets_beside_a_redrive(service, waiting, locks=True) == [0, 2]


def test_without_the_lock_a_page_would_have_what_the_redrive_is_writing(
    service: Settings, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    plain = failed_events.SELECT_OPEN.replace("FOR UPDATE", "")
    monkeypatch.setattr(failed_events, "SELECT_OPEN", plain)
    assert offsets_beside_a_redrive(service, waiting, locks=False) == [0, 1, 2]
