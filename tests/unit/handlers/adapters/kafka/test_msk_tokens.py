"""handlers/adapters/kafka/msk_tokens.py: tokens of AWS's signer, as kafka-python asks for them."""

from __future__ import annotations

import base64
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from kafka.net.sasl.oauth import SaslMechanismOAuth

from handlers.adapters.kafka.msk_tokens import RENEW_BEFORE_MS, MskTokens

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-access-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def test_a_token_is_signed_for_the_cluster_of_the_region_by_the_functions_role() -> None:
    token = MskTokens(REGION).token()
    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.hostname == f"kafka.{REGION}.amazonaws.com"
    assert query["Action"] == "kafka-cluster:Connect"
    assert query["X-Amz-Credential"].startswith("AKIDEXAMPLE/")
    assert query["X-Amz-Credential"].endswith(f"/{REGION}/kafka-cluster/aws4_request")
    assert query["X-Amz-Security-Token"] == "session"
    assert "secret-access-key" not in url.query


def test_kafka_python_takes_it_for_its_handshake() -> None:
    tokens = MskTokens(REGION)
    handshake = SaslMechanismOAuth(sasl_oauth_token_provider=tokens)
    assert handshake.auth_bytes() == f"n,,\x01auth=Bearer {tokens.token()}\x01\x01".encode()


def test_a_token_serves_many_connections_and_is_renewed_before_it_ends() -> None:
    signed: list[str] = []
    now = [0.0]

    def sign(region: str) -> tuple[str, int]:
        signed.append(f"{region}-{len(signed)}")
        return signed[-1], int(now[0] * 1000) + 900_000

    tokens = MskTokens(REGION, sign, lambda: now[0])
    assert {tokens.token() for _ in range(10)} == {"eu-central-1-0"}
    now[0] = 900 - RENEW_BEFORE_MS / 1000
    assert tokens.token() == "eu-central-1-0"
    now[0] += 0.001
    assert tokens.token() == "eu-central-1-1"
    assert len(signed) == 2


def test_a_real_token_outlives_the_connection_that_is_made_with_it() -> None:
    tokens = MskTokens(REGION)
    tokens.token()
    assert tokens._ends_at_ms - time.time() * 1000 > RENEW_BEFORE_MS


def test_the_next_connection_signs_with_the_credentials_of_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [time.time()]
    tokens = MskTokens(REGION, clock=lambda: now[0])
    first = tokens.token()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDROTATED")
    now[0] += 900
    second = base64.urlsafe_b64decode(tokens.token() + "==").decode()
    assert tokens.token() != first
    assert "AKIDROTATED" in second
