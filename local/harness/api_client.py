"""The API calls before a run: the readiness check, and the creation of the run's campaign."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.domain import times
from handlers.domain.errors import CampaignExistsError
from local.harness.processes import HarnessError
from local.token import bearer

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 10.0
# Enough connections to reach each process of the gateway: the kernel spreads them at random, and
# 16 miss one of two processes in one of 33,000 runs. Like a load balancer, check each before use.
READINESS_ROUNDS = 16
# Opens well before now, so that a small difference of Redis's clock does not matter.
OPEN_SINCE_MS = 60_000
OPEN_FOR_MS = 3_600_000


class NotReadyError(HarnessError):
    """The API does not respond, or reports that it is not ready."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where the HTTP interface is."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The base URL, without a path."""
        return f"http://{self.host}:{self.port}"

    def check_ready(self) -> None:
        """Raise NotReadyError unless the API and all servers behind it are ready."""
        for _ in range(READINESS_ROUNDS):
            status, fields = self.call("GET", "/ready")
            if status != http.client.OK:
                states = {"redis", "kafka", "mysql"} & fields.keys()
                about = ", ".join(f"{name} {fields[name]}" for name in sorted(states))
                if fields.get("redis") == "stale":
                    about += "; `python -m local.rebuild` opens it again"
                message = f"{self.url}/ready responded with {status}: {about or _error(fields)}"
                raise NotReadyError(message)

    def create_campaign(self, quantity: int, secret: str) -> str:
        """Create a campaign that is already open; return its id, which is unique to this run."""
        campaign_id = f"demo-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        now_ms = time.time_ns() // 1_000_000
        body = {
            "id": campaign_id,
            "name": "The demo",
            "quantity": quantity,
            "opens_at": times.to_iso(now_ms - OPEN_SINCE_MS),
            "closes_at": times.to_iso(now_ms + OPEN_FOR_MS),
        }
        if not self.created(body, secret):
            message = f"{campaign_id} exists"
            raise HarnessError(message)
        return campaign_id

    def created(self, campaign: Mapping[str, Any], secret: str) -> bool:
        """Create a campaign; return False where another one has its id."""
        headers = bearer(secret, "demo-admin", "coupon:admin")
        status, fields = self.call("POST", "/campaigns", json.dumps(campaign), headers)
        if status == http.client.CREATED:
            return True
        if status == http.client.OK or fields.get("code") == CampaignExistsError.code:
            return False
        message = f"POST /campaigns responded with {status}: {_error(fields)}"
        raise HarnessError(message)

    def call(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return the response's status and JSON object; raise NotReadyError without a response."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        with closing(connection):
            try:
                connection.request(method, path, body, headers or {})
                response = connection.getresponse()
                fields = json.loads(response.read())
            except (OSError, http.client.HTTPException) as error:
                message = f"{self.url} does not respond: {error}"
                raise NotReadyError(message) from error
            except ValueError as error:
                message = f"{self.url}{path} responded with {response.status} without JSON"
                raise NotReadyError(message) from error
        return response.status, fields if isinstance(fields, dict) else {}


def _error(fields: dict[str, Any]) -> str:
    return f"{fields.get('code', 'no code')}, {fields.get('detail', 'no detail')}"
