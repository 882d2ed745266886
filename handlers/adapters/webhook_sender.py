"""Sends what is due to webhooks: all receivers at once, each by a task of its own."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from handlers.domain import metrics
from handlers.domain.webhook_attempt import WebhookAttempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.adapters.mysql.deliveries import Deliveries
    from handlers.adapters.mysql.webhooks import Webhooks
    from handlers.adapters.webhook_client import WebhookClient
    from handlers.domain.webhook import Webhook
    from handlers.domain.webhook_attempt import DueDelivery
    from handlers.domain.webhook_signature import WebhookSecrets

T = TypeVar("T")

# Requests at once to one receiver, and to one whose last batch failed: a probe. With as many
# webhooks as there may be, they need about 500 of the 1,024 files that Lambda allows.
AT_ONCE, PROBE = 16, 1
# How often others are looked for while a slow receiver is being served.
LOOK_S = 0.5
FIXED_HEADERS = {"Content-Type": "application/json", "User-Agent": "seonchak-webhooks"}


class WebhookSender:
    """Asks MySQL by a thread of its own, so that answers are read also while MySQL is slow."""

    def __init__(
        self,
        webhooks: Webhooks,
        deliveries: Deliveries,
        client: WebhookClient,
        secrets: Callable[[], WebhookSecrets],
    ) -> None:
        """secrets: called when there is something to sign; may raise ConfigurationError."""
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._client = client
        self._secrets = secrets
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")

    def close(self) -> None:
        """End the threads and the connection."""
        self._thread.submit(self._deliveries.close).result()
        self._thread.shutdown()
        self._client.close()

    def run(self, may_begin: Callable[[], bool]) -> dict[str, int]:
        """Send batches as long as something is due and may_begin(); return what came of them.

        delivered, failed (to be tried again) and dead count events. Raises UnavailableError
        without MySQL, once every request that was begun has its result.
        """
        totals = {"delivered": 0, "failed": 0, "dead": 0}
        asyncio.run(self._run(may_begin, totals))
        return totals

    async def _run(self, may_begin: Callable[[], bool], totals: dict[str, int]) -> None:
        tasks: dict[str, asyncio.Task[None]] = {}
        try:
            while may_begin():
                for webhook in await self._ask(self._webhooks.due):
                    if webhook.id not in tasks:
                        batch = self._send_batch(webhook, totals)
                        tasks[webhook.id] = asyncio.create_task(batch)
                if not tasks:
                    return
                await asyncio.wait(
                    tasks.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED
                )
                done = [name for name, task in tasks.items() if task.done()]
                for name in done:
                    tasks.pop(name).result()
        finally:
            # What was begun is noted, also after an error of another receiver's batch.
            ends = await asyncio.gather(*tasks.values(), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def _send_batch(self, webhook: Webhook, totals: dict[str, int]) -> None:
        secrets = self._secrets()  # before rows are taken, which wait for the end of their lease
        size = PROBE if webhook.failures else AT_ONCE
        due, buried = await self._ask(lambda: self._deliveries.take(webhook.id, size))
        _count(totals, "dead", buried)
        if not due:
            return
        attempts = await asyncio.gather(*(self._send(webhook, one, secrets) for one in due))
        dead = await self._ask(lambda: self._deliveries.note(webhook, attempts))
        delivered = sum(attempt.answer.arrived for attempt in attempts)
        _count(totals, "delivered", delivered)
        _count(totals, "dead", dead)
        _count(totals, "failed", len(attempts) - delivered - dead)

    async def _send(
        self, webhook: Webhook, delivery: DueDelivery, secrets: WebhookSecrets
    ) -> WebhookAttempt:
        event = delivery.event
        body = event.body()
        # The time is that of the attempt: a receiver refuses an old one.
        signed = secrets.headers(webhook.id, webhook.generations, event.id, int(time.time()), body)
        answer = await self._client.post(webhook.url, FIXED_HEADERS | signed, body)
        return WebhookAttempt(delivery, answer)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)


def _count(totals: dict[str, int], result: str, events: int) -> None:
    totals[result] += events
    metrics.DELIVERIES.inc((result,), events)
