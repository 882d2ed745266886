"""The cases, in an order in which each has its preconditions: events and changes of the servers."""

from __future__ import annotations

import time
from base64 import b64encode
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handlers.adapters.readiness import REMEMBERED_FAILURE_S
from handlers.adapters.redis.client import connect
from handlers.edge.http.web_files import web_files
from handlers.pages import PAGES
from tests.conftest import forget_campaigns
from tests.parity.calls import Case, Change
from tests.parity.events import (
    invocation_record,
    msk,
    object_created,
    schedule,
    self_managed,
)
from tests.parity.life_cases import LifeCases
from tests.support.service import message, mint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

CONSUME, RESTORE = "app.consume_handler", "app.restore_handler"
APPLY, COUPON = "POST /campaigns/{id}/apply", "GET /campaigns/{id}/coupon"
CHALLENGE = "GET /campaigns/{id}/challenge"

WINNERS = "GET /campaigns/{id}/coupons"
REPLAY = "POST /webhooks/{webhook}/deliveries/{event}/replay"
HOUR_S = 3600.0

# A topic too long for failed_event: its records cannot be stored anywhere.
TOPIC_TOO_LONG = "t" * 301


def _let_failures_be_forgotten(_: Settings) -> None:
    """Wait, as a process remembers that a server was not ready."""
    time.sleep(REMEMBERED_FAILURE_S)


class Script(LifeCases):
    """The cases about one set of campaigns; the same object is played twice."""

    def steps(self) -> Iterator[Case | Change]:
        """Yield all steps in order."""
        yield from self._administration()
        yield from self._applying()
        yield from self._writing()
        yield from self._reading()
        yield from self._pages()
        yield from self._using()
        yield from self._erasing()
        yield from self._changing()
        yield from self._schedules()
        yield from self._archiving()
        yield from self._restoring()
        yield from self._errors()

    def bucket(self) -> dict[str, bytes]:
        """Return the objects for the cases about S3, by their keys."""
        batch = msk([message(self._id("later"), "eve", 1), b"poison", None], 40)
        return {"batch of today: 1+1.json": invocation_record(batch), "no-batch.json": b"{"}

    def _administration(self) -> Iterator[Case]:
        create = "POST /campaigns"
        for name, body in self._bodies.items():
            yield self._admin_call(f"create {name}", create, 201, body=body)
        body = self._bodies["open"]
        yield self._admin_call("create again", create, 200, body=body)
        other = body | {"quantity": 10}
        yield self._admin_call("create another of the same id", create, 409, body=other)
        wrong = body | {"quantity": 0}
        yield self._admin_call("create with a wrong field", create, 400, body=wrong)
        yield self._admin_call("create with no JSON", create, 400, body="{")
        yield self._admin_call("create with too much", create, 413, body="x" * 17_000)
        encoded = b64encode(b"\xff\xfe").decode()
        yield self._admin_call("create in bytes", create, 400, body=encoded, is_base64=True)
        yield self._case("create without a token", create, 401, body=body)
        yield self._case("create as a user", create, 403, token=self._users["ann"], body=body)

    def _applying(self) -> Iterator[Case]:
        yield self._user("apply accepted", APPLY, 202, "ann")
        yield self._user("apply again", APPLY, 200, "ann")
        yield self._user("apply for the last one", APPLY, 202, "bob", "small")
        yield self._user("apply sold out", APPLY, 409, "cho", "small")
        yield self._user("apply again when sold out", APPLY, 200, "bob", "small")
        yield self._user("apply not open", APPLY, 409, "ann", "later")
        yield self._user("apply closed", APPLY, 409, "ann", "over")
        yield self._user("apply not found", APPLY, 404, "ann", "none")
        yield self._user("apply to no campaign id", APPLY, 404, "ann", "NO_ID")
        yield self._case("apply without a token", APPLY, 401)
        yield self._case("apply with a bad token", APPLY, 401, token="a.b.c")
        expired = mint("ann", ttl_s=-HOUR_S)
        yield self._case("apply with an expired token", APPLY, 401, token=expired)
        body = b64encode(b"\xff\x00").decode()
        ann = self._users["ann"]
        yield self._case("apply with bytes", APPLY, 200, token=ann, body=body, is_base64=True)
        yield self._case("apply with no base64", APPLY, 400, token=ann, body="%", is_base64=True)
        yield self._case("apply with too much", APPLY, 413, token=ann, body="x" * 17_000)
        yield self._user("a challenge where there is none", CHALLENGE, 404, "ann")
        yield self._case("a challenge without a token", CHALLENGE, 401)
        yield self._user("apply without the claim", APPLY, 403, "ann", "members")
        yield self._user("my coupon pending", COUPON, 200, "ann")
        yield self._user("my coupon, not applied", COUPON, 404, "dee")

    def _writing(self) -> Iterator[Case]:
        ann, bob = message(self._id("open"), "ann", 1), message(self._id("small"), "bob", 1)
        done: dict[str, Any] = {"batchItemFailures": []}
        yield Case("consume from MSK", CONSUME, msk([ann], 0), done)
        yield Case("consume again", CONSUME, msk([ann], 0), done)
        yield Case("consume from a Kafka of one's own", CONSUME, self_managed([bob], 1), done)
        flawed = [b"poison", None, message(self._id("small"), "dee", 2), b"\xff\xfe"]
        yield Case("consume poison", CONSUME, msk(flawed, 2), done)
        lost = msk([ann, b"nowhere", bob, b"nowhere either"], 10)
        for record in lost["records"]["coupon_create-0"][1::2]:
            record["topic"] = TOPIC_TOO_LONG
        again = {"itemIdentifier": {"partition": f"{TOPIC_TOO_LONG}-0", "offset": 11}}
        yield Case("consume in part", CONSUME, lost, {"batchItemFailures": [again]})
        yield Case("consume nothing", CONSUME, msk([], 0), done)

    def _reading(self) -> Iterator[Case]:
        yield self._user("my coupon issued", COUPON, 200, "ann")
        yield self._case("campaigns", "GET /campaigns", 200)
        yield self._case("campaign", "GET /campaigns/{id}", 200)
        yield self._case("campaign not found", "GET /campaigns/{id}", 404, campaign="none")
        yield self._admin_call("stats", "GET /campaigns/{id}/stats", 200)
        yield self._case("stats without a token", "GET /campaigns/{id}/stats", 401)
        yield self._admin_call("winners", WINNERS, 200)
        yield self._admin_call("winners as CSV", WINNERS, 200, headers={"Accept": "text/csv"})
        yield self._admin_call("winners, a page", WINNERS, 200, query={"limit": "1"})
        yield self._admin_call("winners, no page", WINNERS, 400, query={"limit": "0"})
        yield self._admin_call("winners, one user's", WINNERS, 200, query={"user_id": "ann"})
        yield self._admin_call("winners, no user", WINNERS, 400, query={"user_id": " "})
        yield self._admin_call("compared", "GET /campaigns/{id}/reconciliation", 200)
        yield self._admin_call("repaired", "POST /campaigns/{id}/repair", 200)
        yield self._case("repair without a token", "POST /campaigns/{id}/repair", 401)
        # Their answers name moments in other ways than as times, so errors are compared.
        events, report = "GET /campaigns/{id}/events", "GET /campaigns/{id}/report"
        yield self._admin_call("events, no place", events, 400, query={"after": "?"})
        yield self._case("events without a token", events, 401)
        yield self._admin_call("report, no place", report, 400, query={"after": "-1"})
        yield self._admin_call("report of nothing", report, 404, campaign="none")
        failed = "GET /failed-events"
        yield self._admin_call("failed events", failed, 200)
        yield self._admin_call("poison", failed, 200, query={"reason": "UNDECODABLE"})
        yield self._admin_call("failed events, no filter", failed, 400, query={"status": "?"})
        yield self._admin_call("redrive now", "POST /failed-events/redrive", 200)
        yield self._admin_call("webhooks", "GET /webhooks", 200)
        yield self._case("webhooks without a token", "GET /webhooks", 401)
        yield self._admin_call("a webhook of nothing", "POST /webhooks", 400, body={})
        nowhere = {"webhook": f"wh_{0:024}", "event": "coupon_issued:welcome:1"}
        for call in ("GET /webhooks/{webhook}", "DELETE /webhooks/{webhook}", REPLAY):
            yield self._admin_call(f"{call}, of none", call, 404, parameters=nowhere)
        yield self._case("health", "GET /health", 200)
        yield self._case("health, without its body", "HEAD /health", 200)
        yield self._case("description", "GET /openapi.json", 200)

    def _pages(self) -> Iterator[Case]:
        for path in PAGES:
            yield self._case(f"page {path}", f"GET {path}", 200)
        yield self._case("page without its body", "HEAD /console", 200)
        yield self._case("pages' configuration", "GET /web/config.json", 200)
        file = "GET /web/{version}/{folder}/{file}"
        base = {"version": web_files().version, "folder": "shared", "file": "base.css"}
        yield self._case("file", file, 200, parameters=base)
        old = base | {"version": "0" * 16}
        yield self._case("file of another version", file, 200, parameters=old)
        out = base | {"folder": "..", "file": "app.py"}
        yield self._case("file of nothing", file, 404, parameters=out)
        yield self._case("sign in as nobody", "POST /sign-in", 400, body={})

    def _schedules(self) -> Iterator[Case | Change]:
        relay, redrive = "app.relay_handler", "app.redrive_handler"
        rebuild = "app.rebuild_handler"
        yield self._user("apply, and be left pending", APPLY, 202, "cho")
        yield Change(self._age)
        yield Case("relay", relay, schedule("relay"), {"sent": 1})
        yield Case("redrive", redrive, schedule("redrive"), "resolved")
        yield Case("send nothing", "app.webhook_handler", schedule("webhook"), "delivered")
        yield Case("rebuild nothing", rebuild, schedule("rebuild"), {"rebuilt": []})
        yield Change(forget_campaigns)
        yield self._user("apply to a Redis that lost all", APPLY, 503, "ann")
        yield self._case("ready without an epoch", "GET /ready", 503)
        ids = sorted(self._id(name) for name in self._bodies)
        yield Case("rebuild", rebuild, schedule("rebuild"), {"rebuilt": ids})
        yield self._user("apply after the rebuild", APPLY, 200, "ann")
        yield self._user("apply after it, pending once more", APPLY, 200, "cho")
        yield Change(_let_failures_be_forgotten)
        yield self._case("ready", "GET /ready", 200)

    def _restoring(self) -> Iterator[Case]:
        stored = self._admin_call("restored, in failed_event", "GET /failed-events", 200)
        batch, no_batch = self.bucket()
        yield Case("restore", RESTORE, object_created(batch), {"restored": 3})
        yield stored
        yield Case("restore again", RESTORE, object_created(batch), {"restored": 3})
        yield replace(stored, name="restored again, there once")
        yield Case("restore no batch", RESTORE, object_created(no_batch), "NotRestoredError")
        yield Case("restore no object", RESTORE, object_created("gone"), "NotRestoredError")
        yield Case("redrive the restored", "app.redrive_handler", schedule("redrive"), "resolved")

    def _errors(self) -> Iterator[Case]:
        broken = {"eventSource": "aws:kafka", "records": {"coupon_create-0": [{}]}}
        yield Case("consume an invalid record", CONSUME, broken, "KeyError")

    def _age(self, settings: Settings) -> None:
        """Make the admission of "cho" older than the relay waits."""
        key = f"coupon:{{{self._id('open')}}}:pending"
        with closing(connect(settings)) as redis:
            long_ago = int((time.time() - HOUR_S) * 1000)
            assert redis.zadd(key, {"cho": long_ago}, xx=True, ch=True) == 1
