"""docs/architecture.md is the contract: it names every call, setting, key and column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields

from handlers.adapters.redis.keys import CAMPAIGNS, EPOCH, CampaignKeys
from handlers.config import Settings
from handlers.domain.record import Reason
from handlers.routes import ROUTES
from handlers.tracing.settings import LAMBDA, TraceSettings
from local.dev_settings import DEVELOPMENT_SETTINGS
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SERVERS = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://root:password@127.0.0.1:1/coupons",
}
SCRAM = {"KAFKA_SECURITY": "SASL_SSL_SCRAM", "KAFKA_USERNAME": "shop", "KAFKA_PASSWORD": "p"}
IAM = {"KAFKA_SECURITY": "SASL_SSL_IAM", "AWS_REGION": "ap-northeast-2"}


class Asked(Mapping[str, str]):
    """An environment that records which variables are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def section(heading: str) -> str:
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def test_the_table_of_calls_is_the_route_table() -> None:
    calls = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", section("HTTP"), re.MULTILINE)
    assert sorted(calls) == sorted(f"{route.method} {route.path}" for route in ROUTES)


def test_the_table_of_settings_names_every_variable_that_is_read_and_no_other() -> None:
    read: set[str] = set()
    for kafka in (SCRAM, IAM):
        traces = {"OTEL_TRACES_EXPORTER": "otlp"}
        environment = Asked({**DEVELOPMENT_SETTINGS, **SERVERS, **kafka, **traces})
        Settings.from_environment(environment)
        TraceSettings.from_environment(environment)
        read |= environment.names
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+|STAGE)`", section("Settings")))
    assert named - {"SASL_SSL_IAM", "SASL_SSL_SCRAM"} == read - {LAMBDA}


def test_every_key_of_redis_is_named() -> None:
    keys = CampaignKeys.of("<id>")
    names = {getattr(keys, field.name) for field in fields(CampaignKeys)} | {CAMPAIGNS, EPOCH}
    assert set(re.findall(r"^\| `(coupon:[^`]+)` \|", PAGE, re.MULTILINE)) == names


def test_every_column_and_every_reason_is_named() -> None:
    schema = (ROOT / "infra" / "schema" / "0001.coupon-system.sql").read_text(encoding="utf-8")
    columns = set(re.findall(r"^    ([a-z_]+) +[A-Z]", schema, re.MULTILINE))
    data = section("Data")
    assert {name for name in columns if f"`{name}`" not in data} == set()
    assert {reason for reason in Reason if f"`{reason}`" not in data} == set()
