"""A receiver of webhooks: a small HTTP server that checks each request as its owner would."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from handlers.consume import consume_handler
from handlers.webhook_sender import webhook_sender_handler
from tests.support.described import complaints_about_delivery
from tests.support.service import ADMIN, ask, kafka_event, message, rows

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from handlers.config import Settings
    from tests.support.service import Response

ALL_KINDS = [
    "coupon.issued",
    "coupon.redeemed",
    "coupon.released",
    "coupon.revoked",
    "coupon.expired",
    "campaign.opened",
    "campaign.sold_out",
    "campaign.closed",
]


NOTHING = {"announced": 0, "delivered": 0, "failed": 0, "dead": 0}


@dataclass(frozen=True)
class Received:
    """One request: its id, its body as text, its headers."""

    id: str
    body: str
    headers: dict[str, str]

    def verified(self, secret: str) -> Any:
        """Return the content, checked by the official package; raise its error."""
        return Verifier(secret).verify(self.body, self.headers)

    def is_signed_by(self, secret: str) -> bool:
        try:
            self.verified(secret)
        except WebhookVerificationError:
            return False
        return True


@dataclass
class Receiver:
    """answer: returns status and headers of the answer to a request."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what the OpenAPI document does not say
    answer: Callable[[Received], tuple[int, Mapping[str, str]]] = lambda _: (204, {})

    def answer_always(self, status: int, **headers: str) -> None:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self.answer = lambda _: (status, named)

    def ids(self) -> list[str]:
        return [one.id for one in self.received]


@contextmanager
def receiver(
    context: ssl.SSLContext | None = None, *, is_described: bool = True
) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine.

    is_described: whether each request must be as docs/openapi.json describes it.
    """
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): text for name, text in self.headers.items()}
            one = Received(headers["webhook-id"], body, headers)
            if is_described:
                made.wrong.extend(complaints_about_delivery(headers, body))
            made.received.append(one)
            status, answer_headers = made.answer(one)
            self.send_response(status)
            for name, text in answer_headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        scheme = "http"
        if context:
            scheme = "https"
            server.socket = context.wrap_socket(server.socket, server_side=True)
        made.url = f"{scheme}://127.0.0.1:{server.server_port}/hook?shop=1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
    assert made.wrong == []


def admin(
    call: str, body: object = None, query: dict[str, str] | None = None, **path: str
) -> Response:
    """Call as an administrator; path: webhook, event."""
    return ask(call, user="admin", scope=ADMIN, body=body, query=query, path=path or None)


@dataclass(frozen=True)
class Subscribed:
    id: str
    secret: str


def subscribe(url: str, *kinds: str) -> Subscribed:
    """Create a webhook for these kinds, or for all."""
    made = admin("POST /webhooks", {"url": url, "kinds": list(kinds) or ALL_KINDS})
    assert made.status == 201, made
    return Subscribed(made.body["id"], made.body["secret"])


def send() -> dict[str, int]:
    """Run the scheduled function once; return its counts."""
    return webhook_sender_handler({}, None)


def issue(campaign_id: str, *serials: int) -> None:
    """Let the consumer write these coupons, of user-1 and so on."""
    batch = [message(campaign_id, f"user-{n}", n) for n in serials]
    consume_handler(kafka_event(batch), None)


def let_pass(settings: Settings, seconds: float) -> None:
    """Let so much time pass for the outbox: all its times are set back."""
    for table, columns in {
        "webhook_delivery": ("next_attempt_at", "expires_at", "created_at"),
        "webhook": ("paused_until", "previous_until", "created_at"),
    }.items():
        changes = ", ".join(f"{name} = {name} - INTERVAL {seconds} SECOND" for name in columns)
        rows(settings, f"UPDATE {table} SET {changes}")


def let_rows_settle(settings: Settings) -> None:
    """Let two minutes pass for the coupons' rows: expired ones are looked for in settled rows."""
    rows(settings, "UPDATE coupon SET created_at = created_at - INTERVAL 2 MINUTE")


@contextmanager
def receiver_of_everything(settings: Settings) -> Iterator[Receiver]:
    """Run a receiver of every kind, which had its webhook two days ago."""
    with receiver() as made:
        subscribe(made.url)
        let_pass(settings, 2 * 86_400)
        yield made


def all_sent(shop: Receiver) -> list[str]:
    """Send several times; return the ids of everything that came, each once."""
    for _ in range(3):
        send()
    assert len(set(shop.ids())) == len(shop.received)
    return sorted(shop.ids())


def deliveries(settings: Settings) -> list[tuple[str, str, int]]:
    """Return event, status and attempts of everything in the outbox, by event."""
    return rows(
        settings, "SELECT event_id, status, attempts FROM webhook_delivery ORDER BY event_id"
    )
