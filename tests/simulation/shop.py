"""What happens to coupons that were issued: orders, users who give back, administrators."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pymysql

from handlers import campaign_changes, privacy, redemption, returned_places, wiring
from tests.simulation.erasures import Erasures
from tests.simulation.plans import Program
from tests.simulation.requests import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.cluster import Cluster
    from tests.simulation.plans import Run

    Work = Callable[[], object]
    Handler = Callable[[Any, Any], dict[str, Any]]

END_RESERVATIONS = (
    "UPDATE coupon SET reserved_until = NOW(3) - INTERVAL 1 SECOND WHERE state = 'RESERVED'"
)
CODE = (
    "SELECT code FROM coupon WHERE campaign_id = %s AND user_id IN (%s, %s) AND given_back = 0 "
    "ORDER BY serial LIMIT 1"
)
FOUND = 200, 201
ORDER_CALLS = {
    Program.RESERVE: redemption.reserve_handler,
    Program.REDEEM: redemption.redeem_handler,
    Program.RELEASE: redemption.release_handler,
    Program.CANCEL: redemption.cancel_handler,
}
WITH_BODY = {Program.RESERVE, Program.REDEEM}
INTERNAL = 500


class Pauses:
    """Which campaigns are paused for sure: a pause was answered, and no resume may come after it.

    One without an answer may be made at any time, by whoever completes it.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._sure: dict[str, int] = {}
        self._resumes: dict[str, set[int]] = {}

    def number(self, campaign_id: str) -> int:
        """Return the number of the pause that holds for sure; 0: there is none."""
        return self._sure.get(campaign_id, 0)

    def paused(self, campaign_id: str, status: int) -> None:
        """Note the answer to a pause."""
        if status == HTTPStatus.OK and not self._resumes.get(campaign_id):
            self._sure.setdefault(campaign_id, next(self._numbers))

    def resumes(self, campaign_id: str) -> int:
        """Note that a resume is asked for; return its number."""
        self._sure.pop(campaign_id, None)
        number = next(self._numbers)
        self._resumes.setdefault(campaign_id, set()).add(number)
        return number

    def answered(self, campaign_id: str, number: int, status: int) -> None:
        """Note that a resume has had its answer: it comes no more."""
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._resumes[campaign_id].discard(number)


class Shop:
    """Calls about coupons and campaigns. used: order and code of each answered redemption."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.used: set[tuple[str, str]] = set()
        self.has_changed = False
        self.pauses = Pauses()
        self.erasures = Erasures(cluster)

    def begin(self) -> None:
        """Start a history."""
        self.used, self.has_changed, self.pauses = set(), False, Pauses()
        self.erasures = Erasures(self._cluster)

    def work_of(self, run: Run, campaign_id: str) -> tuple[str, Work | None]:
        """Return what a run is called and does; None where the user has no coupon."""
        if run.program in {Program.CHANGE, Program.PAUSE}:
            change = self._change if run.program is Program.CHANGE else self._pause
            return f"{run.program} {'on' if run.number else 'off'}", change(run, campaign_id)
        if run.program is Program.ERASE:
            return f"{run.program} of {run.user}", lambda: self.erase(run.user)
        if run.program is Program.GIVE_BACK:
            return f"{run.program} of {run.user}", self._give_back(run, campaign_id)
        owners = (run.user, wiring.pseudonyms().of(campaign_id, run.user))
        found = self._cluster.rows(CODE, campaign_id, *owners)
        if not found:
            return run.program, None
        [(code,)] = found
        if run.program is Program.REVOKE:
            return f"revoke of {run.user}", self._revoke(run, code)
        return f"order {run.number}: {run.program} of {run.user}", self._order(run, code)

    def erase(self, user: str) -> int:
        """Erase a user; return the status of the answer."""
        event = self._event({"user_id": user}, None)
        name = f"{Program.ERASE} of {user}"
        return self.erasures.erase(
            user, lambda: self._call(name, privacy.erase_user_handler, event)
        )

    def end_reservations(self) -> bool:
        """Let the time of every reservation pass; return False where one is locked."""
        with suppress(pymysql.OperationalError):  # the lock wait of this connection is no time
            self._cluster.rows(END_RESERVATIONS)
            return True
        return False

    def _order(self, run: Run, code: str) -> Work:
        order, handler = f"order-{run.number}", ORDER_CALLS[run.program]
        path = {"code": code} | ({} if run.program in WITH_BODY else {"order_id": order})
        event = self._event(path, {"order_id": order} if run.program in WITH_BODY else None)

        def work() -> None:
            status = self._call(f"{run.program} {order}", handler, event)
            if run.program is Program.REDEEM and status in FOUND:
                self.used.add((order, code))

        return work

    def _revoke(self, run: Run, code: str) -> Work:
        body = {"reason": "simulated", "return_to_pool": bool(run.number)}
        event = self._event({"code": code}, body)
        return lambda: self._call("revoke", returned_places.revoke_handler, event)

    def _change(self, run: Run, campaign_id: str) -> Work:
        statement = "SELECT quantity FROM campaign WHERE id = %s"
        [(quantity,)] = self._cluster.rows(statement, campaign_id)
        self.has_changed = True
        to = max(1, quantity + (1 if run.number else -1))
        return lambda: self._patch(f"quantity {to}", campaign_id, {"quantity": to})

    def _pause(self, run: Run, campaign_id: str) -> Work:
        def work() -> None:
            if run.number:
                status = self._patch("pause", campaign_id, {"paused": True})
                self.pauses.paused(campaign_id, status)
            else:
                resume = self.pauses.resumes(campaign_id)
                status = self._patch("resume", campaign_id, {"paused": False})
                self.pauses.answered(campaign_id, resume, status)

        return work

    def _patch(self, name: str, campaign_id: str, body: dict[str, Any]) -> int:
        statement = "SELECT version FROM campaign WHERE id = %s"
        [(version,)] = self._cluster.rows(statement, campaign_id)
        event = self._event({"id": campaign_id}, body)
        event["headers"]["if-match"] = f'"{version}"'
        return self._call(name, campaign_changes.change_campaign_handler, event)

    def _call(self, name: str, handler: Handler, event: dict[str, Any]) -> int:
        response = handler(event, None)
        status, body = int(response["statusCode"]), response.get("body") or "{}"
        if status == INTERNAL:
            self._cluster.internal.append(f"{name}: {body}")
        code = json.loads(body).get("code", "")
        self._cluster.story.append(f"{name}: {status} {code}")
        return status

    def _give_back(self, run: Run, campaign_id: str) -> Work:
        event = self._event({"id": campaign_id}, None)
        event["headers"]["user"] = run.user
        name = f"{run.program} of {run.user}"
        return lambda: self._call(name, returned_places.give_back_handler, event)

    def _event(self, path: dict[str, str], body: dict[str, Any] | None) -> dict[str, Any]:
        event = request("admin", None)
        text = None if body is None else json.dumps(body)
        return event | {"pathParameters": path, "body": text}
