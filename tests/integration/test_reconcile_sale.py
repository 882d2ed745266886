"""Reconciliation during applies, writes and repairs of collisions: no false alarm."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from handlers.consume import consume_handler
from handlers.domain.errors import UnavailableError
from handlers.reconcile import compare
from handlers.redrive import redrive_handler
from tests.support.drift import findings
from tests.support.service import apply, at_once, coupons, create_campaign, kafka_event, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings
    from tests.support.service import Response


def again_until_done(handler: Callable[..., object], event: dict[str, Any]) -> None:
    """Call again after MySQL was busy with the others, as Lambda does."""
    while True:
        with suppress(UnavailableError):
            handler(event, None)
            return


class Sale:
    """500 users apply, a consumer writes their serials, a redrive repairs collisions."""

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self._topic: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_over = threading.Event()
        self.seen: list[list[Any]] = []

    def run(self) -> list[Response]:
        with ThreadPoolExecutor(3) as pool:
            running = [pool.submit(work) for work in (self._consume, self._redrive, self._compare)]
            try:
                calls = [lambda n=n: self._apply(n) for n in range(500)]
                responses = at_once(calls, 8)
            finally:
                self._topic.put(None)
                running[0].exception()
                self._is_over.set()
            for one in running:
                one.result()
        return responses

    def _apply(self, n: int) -> Response:
        response = apply(self._campaign_id, f"user-{n}")
        serial = response.body["serial"]
        self._topic.put(message(self._campaign_id, f"user-{n}", serial).encode())
        if n % 10 == 0:  # the serial of another user: stored in failed_event, then replaced
            self._topic.put(message(self._campaign_id, f"late-{n}", serial).encode())
        return response

    def _consume(self) -> None:
        offset, batch = 0, list[bytes]()
        while (value := self._topic.get()) is not None:
            batch.append(value)
            if len(batch) == 7 or self._topic.empty():
                again_until_done(consume_handler, kafka_event(batch, offset))
                offset, batch = offset + len(batch), []
        again_until_done(consume_handler, kafka_event(batch, offset))

    def _redrive(self) -> None:
        while not self._is_over.is_set():
            again_until_done(redrive_handler, {})

    def _compare(self) -> None:
        while not self._is_over.is_set():
            batches = compare(self._campaign_id).differences()
            self.seen.append([difference for batch in batches for difference in batch])


def test_while_people_apply_and_rows_are_written_nothing_is_a_false_alarm(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=600)
    sale = Sale(campaign_id)
    assert {response.code for response in sale.run()} == {"ACCEPTED"}
    assert sale.seen
    assert not any(sale.seen)
    redrive_handler({}, None)
    assert findings(campaign_id) == []
    assert len(coupons(service, campaign_id)) == 550
