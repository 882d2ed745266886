"""handlers/adapters/kafka/connection.py: how clients connect to the brokers."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.msk_tokens import MskTokens
from handlers.config import Settings
from tests.unit.conftest import ENVIRONMENT


def options(**environment: str) -> dict[str, Any]:
    return connection_options(Settings.from_environment(ENVIRONMENT | environment))


def test_plain_text_needs_the_brokers_alone() -> None:
    found = options(KAFKA_BOOTSTRAP_SERVERS="a:9092,b:9092")
    assert found["bootstrap_servers"] == ["a:9092", "b:9092"]
    assert "security_protocol" not in found


def test_scram_goes_over_tls_with_name_and_password() -> None:
    found = options(KAFKA_SECURITY="SASL_SSL_SCRAM", KAFKA_USERNAME="shop", KAFKA_PASSWORD="k4fka")
    assert found["security_protocol"] == "SASL_SSL"
    assert found["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (found["sasl_plain_username"], found["sasl_plain_password"]) == ("shop", "k4fka")


def test_iam_goes_over_tls_without_a_password() -> None:
    found = options(KAFKA_SECURITY="SASL_SSL_IAM", AWS_REGION="eu-west-1")
    assert (found["security_protocol"], found["sasl_mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    assert isinstance(found["sasl_oauth_token_provider"], MskTokens)
    assert "sasl_plain_password" not in found


@pytest.mark.parametrize("security", ["SASL_SSL_IAM", "SASL_SSL_SCRAM"])
def test_tls_checks_who_the_broker_is(security: str) -> None:
    names = {"KAFKA_USERNAME": "shop", "KAFKA_PASSWORD": "k4fka", "AWS_REGION": "eu-west-1"}
    found = options(KAFKA_SECURITY=security, **names)
    assert found["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert found["ssl_context"].check_hostname
