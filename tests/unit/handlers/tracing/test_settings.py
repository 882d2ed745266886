"""The settings of traces: off by default, on by OpenTelemetry's own variables, malformed ones."""

from __future__ import annotations

import pytest

from handlers.env_parser import ConfigurationError
from handlers.tracing import settings
from handlers.tracing.settings import SamplerName, TraceSettings

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def read(**environment: str) -> TraceSettings:
    return TraceSettings.from_environment(environment)


def test_traces_are_off_by_default() -> None:
    assert read() == TraceSettings(
        is_on=False, sampler=SamplerName.PARENT_OR_ON, ratio=1.0, is_lambda=False
    )


@pytest.mark.parametrize(
    "environment",
    [
        ENDPOINT,
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector.example/v1/traces"},
        {"OTEL_TRACES_EXPORTER": "otlp"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "false"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "1"},  # only "true" is true in the specification
        {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
    ],
)
def test_an_endpoint_or_the_name_of_the_exporter_switches_them_on(
    environment: dict[str, str],
) -> None:
    assert read(**environment).is_on


@pytest.mark.parametrize(
    "environment",
    [
        {**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},  # of another signal or program
    ],
)
def test_they_can_be_switched_off_where_an_endpoint_is_set(environment: dict[str, str]) -> None:
    assert not read(**environment).is_on


def test_sampler_and_ratio_are_read() -> None:
    found = read(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.01")
    assert (found.sampler, found.ratio) == (SamplerName.PARENT_OR_RATIO, 0.01)


def test_lambda_is_recognised() -> None:
    assert read(AWS_LAMBDA_FUNCTION_NAME="seonchak-prod").is_lambda


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:port"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_TRACES_SAMPLER": "often"}, "OTEL_TRACES_SAMPLER"),
        ({"OTEL_TRACES_SAMPLER_ARG": "1.5"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER_ARG": "1 %"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
    ],
)
def test_a_malformed_setting_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        TraceSettings.from_environment(environment)


def test_a_missing_package_stops_the_start_and_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "PACKAGE", "opentelemetry_is_not_here")
    assert not read().is_on
    with pytest.raises(ConfigurationError, match=r"requirements/traces\.txt"):
        read(**ENDPOINT)
