"""On ECS a task's role comes over HTTP: what signs in to MSK with it takes it from there."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from handlers.adapters.kafka.msk_tokens import MskTokens

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "ap-northeast-2"


class RoleEndpoint(http.server.ThreadingHTTPServer):
    """What ECS has at 169.254.170.2: each answer has the role's credentials of the moment."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key, self.asked = "AKIDFIRST", 0


class _Handler(http.server.BaseHTTPRequestHandler):
    server: RoleEndpoint

    def do_GET(self) -> None:
        self.server.asked += 1
        credentials = {
            "AccessKeyId": self.server.key,
            "SecretAccessKey": "secret-access-key",
            "Token": f"session-of-{self.server.key}",
            "Expiration": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        }
        body = json.dumps(credentials).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: a test reads the counts."""


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> Iterator[RoleEndpoint]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with RoleEndpoint() as endpoint:
        address = f"http://127.0.0.1:{endpoint.server_port}/v2/credentials/1"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        thread = threading.Thread(target=endpoint.serve_forever)
        thread.start()
        yield endpoint
        endpoint.shutdown()
        thread.join()


def signed_by(token: str) -> tuple[str, str]:
    """Return whose key signed a token, and the session in it."""
    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return query["X-Amz-Credential"].partition("/")[0], query["X-Amz-Security-Token"]


def test_a_task_signs_in_to_kafka_with_its_role_and_asks_for_it_once_per_token(
    role: RoleEndpoint,
) -> None:
    tokens = MskTokens(REGION)
    assert {signed_by(tokens.token()) for _ in range(10)} == {("AKIDFIRST", "session-of-AKIDFIRST")}
    assert role.asked == 1


def test_the_next_token_is_signed_with_the_roles_next_credentials(role: RoleEndpoint) -> None:
    now = [0.0]
    tokens = MskTokens(REGION, clock=lambda: now[0])
    assert signed_by(tokens.token())[0] == "AKIDFIRST"
    role.key = "AKIDSECOND"
    now[0] = datetime.now(UTC).timestamp() + 900  # the first one has ended
    assert signed_by(tokens.token())[0] == "AKIDSECOND"
