"""The actors of a history: each act is asked for until it is answered, and each answer is kept."""

from __future__ import annotations

import http.client
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers.domain import times
from handlers.domain.coupon_codes import CouponCodes
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.harness.responses import NO_RESPONSE, SOLD_OUT
from tests.faults.engine.acts import (
    APPLY,
    GIVE_BACK,
    OF_SHOP,
    RESERVATIONS,
    REVOCATIONS,
    Act,
)
from tests.faults.engine.load import RETRY_AFTER_S, RETRY_AFTER_S_MAX, exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from threading import Event

    from tests.faults.engine.journal import Journal
    from tests.faults.engine.load import Load

# An answer to a coupon that is not written yet, or to a version that has changed meanwhile.
NOT_YET = frozenset({"COUPON_NOT_FOUND", "NOT_APPLIED", "PRECONDITION_FAILED"})
# So long an actor asks for a coupon whose user may still win, or whose row may still be written.
FOUND_S = 8.0
UNDECIDED = frozenset({NO_RESPONSE, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
# As long as API Gateway waits: on each connection to MySQL that passes nothing a change waits for
# ten seconds, and is then made (seed 3709).
CHANGE_TIMEOUT_S = 29.0
HOUR_MS = 3_600_000
CODES = CouponCodes(DEVELOPMENT_SETTINGS["COUPON_CODE_SECRET"].encode())
ADMIN_SCOPE, SHOP_SCOPE = "coupon:admin", "coupon:redeem"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request. status: NO_RESPONSE where it was lost. Times as of ApplyResponse.

    wanted: what a change of the campaign has asked for. version: of its answer's ETag.
    """

    act: Act
    status: int
    body: dict[str, Any]
    sent_s: float
    read_s: float
    wanted: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it says that what was asked for is so."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def gave_back(self, user: str) -> bool:
        """Tell whether it says that this user has given a coupon back."""
        return self.is_done and (self.act.verb, self.act.about) == (GIVE_BACK, user)

    @property
    def is_undecided(self) -> bool:
        """Whether the actor does not know what has become of it."""
        return self.status in UNDECIDED

    @property
    def is_not_yet(self) -> bool:
        """Whether the coupon is not written yet, or the version has changed meanwhile."""
        return self.code in NOT_YET

    @property
    def code(self) -> str:
        """The code of a refusal, "" without."""
        return str(self.body.get("code", "")) if not self.is_done else ""

    @property
    def serial(self) -> int | None:
        """The serial of the coupon that it is about, where it names one."""
        serial: int | None = self.body.get("serial") if self.is_done else None
        return serial


class Actors:
    """All actors of one history, on one campaign; they run beside its load."""

    def __init__(self, port: int, load: Load, journal: Journal, stopping: Event) -> None:
        self._port = port
        self._load = load
        self.campaign_id = load.campaign_id
        self._journal = journal
        self._stopping = stopping
        self.answers: list[Answer] = []  # all, also those after which an actor asked again
        self.unanswered: list[Act] = []

    def run(self, acts: Iterable[Act], patience_s: float) -> None:
        """Do all acts, each actor's in order; return when all are answered or given up."""
        of_actors: dict[str, list[Act]] = defaultdict(list)
        for act in acts:
            of_actors[act.actor].append(act)
        if not of_actors:
            return
        while not self._load.started and not self._stopping.wait(RETRY_AFTER_S):
            continue
        with ThreadPoolExecutor(len(of_actors)) as pool:
            working = [
                pool.submit(self._work, its, self._load.started + patience_s)
                for its in of_actors.values()
            ]
            for each in working:
                each.result()

    def _work(self, acts: Sequence[Act], deadline: float) -> None:
        for act in acts:
            self._stopping.wait(max(0.0, self._load.started + act.at_s - time.monotonic()))
            self.do(act, deadline)

    def do(self, act: Act, deadline: float) -> None:
        """Ask until the act is answered, or once; note it as unanswered at the deadline."""
        if act.verb == APPLY:
            self._load.again(act.about)
            return
        tries, began = 0, time.monotonic()
        while not self._stopping.is_set():
            answer = self._ask(act)
            self.answers.append(answer)
            tries += 1
            is_not_yet = answer.is_not_yet
            if is_not_yet and answer.status == HTTPStatus.NOT_FOUND:
                is_not_yet = time.monotonic() - began < FOUND_S and self._may_win(act.about)
            if act.once or not (answer.is_undecided or is_not_yet):
                return
            if time.monotonic() > deadline:
                self.unanswered.append(act)
                return
            self._stopping.wait(min(RETRY_AFTER_S * tries, RETRY_AFTER_S_MAX))

    def _may_win(self, user: str) -> bool:
        """Return whether a user may have a coupon soon, or have one that is not written yet."""
        got = self._load.responses[user]
        has_lost = bool(got) and got[-1].outcome == SOLD_OUT
        gave_back = [one.serial for one in self.answers if one.gave_back(user)]
        return not has_lost and (not gave_back or got[-1].serial not in gave_back)

    def _ask(self, act: Act) -> Answer:
        sent_s, wanted, etag = time.monotonic() - self._load.started, {}, ""
        try:
            if act.verb in OF_SHOP:
                status, body = self._of_shop(act)
            elif act.verb == GIVE_BACK:
                path = f"/campaigns/{self.campaign_id}/coupon"
                status, body, _ = exchange(self._port, "DELETE", path, (act.about, ""))
            elif act.verb in REVOCATIONS:
                path = f"/coupons/{self._code(act)}/revocation"
                asked = {"reason": "a history", "return_to_pool": REVOCATIONS[act.verb]}
                caller = act.actor, ADMIN_SCOPE
                status, body, _ = exchange(self._port, "POST", path, caller, asked)
            else:
                wanted = _wanted(act)
                status, body, etag = self._change(act, wanted)
        except (OSError, http.client.HTTPException, ValueError):
            status, body = NO_RESPONSE, {"code": "no answer"}
        read_s = time.monotonic() - self._load.started
        what = body.get("code") or body.get("state") or ""
        self._journal.note(f"    {act}: {status} {what} {body.get('serial', '')}".rstrip())
        version = int(etag.strip('"').split("-")[0] or 0) if etag else 0
        return Answer(act, status, body, sent_s, read_s, wanted, version)

    def _of_shop(self, act: Act) -> tuple[int, dict[str, Any]]:
        path, caller = f"/coupons/{self._code(act)}", (act.actor, SHOP_SCOPE)
        asked: dict[str, Any] = {"order_id": act.order_id}
        if act.verb in RESERVATIONS:
            asked["ttl_s"] = RESERVATIONS[act.verb]
            found = exchange(self._port, "POST", f"{path}/reservations", caller, asked)
        elif act.verb == "redeem":
            found = exchange(self._port, "POST", f"{path}/redemptions", caller, asked)
        else:
            what = "reservations" if act.verb == "release" else "redemptions"
            found = exchange(self._port, "DELETE", f"{path}/{what}/{act.order_id}", caller)
        return found[0], found[1]

    def _change(self, act: Act, wanted: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
        """Change the version that the service shows, as the console does."""
        path, caller = f"/campaigns/{self.campaign_id}", (act.actor, ADMIN_SCOPE)
        status, body, etag = exchange(self._port, "GET", path, caller)
        if status != HTTPStatus.OK:
            return status, body, ""
        tag = {"If-Match": etag}
        return exchange(self._port, "PATCH", path, caller, wanted, tag, CHANGE_TIMEOUT_S)

    def _code(self, act: Act) -> str:
        [code] = CODES.of([(self.campaign_id, act.about)])
        return code


def _wanted(act: Act) -> dict[str, Any]:
    if act.verb == "quantity":
        return {"quantity": int(act.about)}
    if act.verb in ("pause", "resume"):
        return {"paused": act.verb == "pause"}
    if act.verb == "close":
        return {"closes_at": "now"}
    return {"closes_at": times.to_iso(int(time.time() * 1000) + HOUR_MS)}
