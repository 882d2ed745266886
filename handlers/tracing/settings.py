"""Whether and how traces are recorded: OpenTelemetry's own variables, `OTEL_…`.

What only the exporter needs, such as OTEL_EXPORTER_OTLP_HEADERS, it reads itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING

from handlers.env_parser import ConfigurationError, EnvParser

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
# The one whose package is in requirements/traces.txt.
PROTOCOL = "http/protobuf"
PACKAGE = "opentelemetry.exporter"
# AWS's own: only there does a process stop between two requests.
LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"


class SpanExporterName(StrEnum):
    """Where spans go (`OTEL_TRACES_EXPORTER`)."""

    OTLP = "otlp"
    NONE = "none"


class SamplerName(StrEnum):
    """Which traces are recorded (`OTEL_TRACES_SAMPLER`)."""

    ALWAYS_ON = "always_on"
    ALWAYS_OFF = "always_off"
    RATIO = "traceidratio"
    PARENT_OR_ON = "parentbased_always_on"
    PARENT_OR_OFF = "parentbased_always_off"
    PARENT_OR_RATIO = "parentbased_traceidratio"


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """The settings of traces. ratio: of the traces that a sampler with a ratio records, 0 to 1."""

    is_on: bool = False
    sampler: SamplerName = SamplerName.PARENT_OR_ON
    ratio: float = 1.0
    is_lambda: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> TraceSettings:
        """Raise ConfigurationError naming a malformed variable; those of traces that are off too.

        On where an endpoint is set, or OTEL_TRACES_EXPORTER=otlp; off in any case with
        OTEL_SDK_DISABLED=true.
        """
        read = EnvParser(environment)
        endpoints = [name for name in ENDPOINTS if read.text(name, "")]
        for name in endpoints:
            read.url(name, ("http", "https"))
        default = SpanExporterName.OTLP if endpoints else SpanExporterName.NONE
        exporter = read.one_of(SpanExporterName, "OTEL_TRACES_EXPORTER", default)
        sampler = read.one_of(SamplerName, "OTEL_TRACES_SAMPLER", SamplerName.PARENT_OR_ON)
        # By the specification only this word switches it off; any other one is "false".
        is_disabled = read.text("OTEL_SDK_DISABLED", "").lower() == "true"
        is_on = exporter is SpanExporterName.OTLP and not is_disabled
        if is_on:
            _check_protocol(read)
            _check_package()
        return cls(is_on, sampler, _ratio(read), bool(read.text(LAMBDA, "")))


def _check_protocol(read: EnvParser) -> None:
    for name in PROTOCOLS:
        if (protocol := read.text(name, "")) not in {"", PROTOCOL}:
            message = f"{name} must be {PROTOCOL}, not {protocol!r}"
            raise ConfigurationError(message)


def _check_package() -> None:
    if find_spec(PACKAGE) is None:
        message = (
            f"traces are on ({ENDPOINTS[1]} or OTEL_TRACES_EXPORTER), and {PACKAGE} is missing: "
            "install requirements/traces.txt (in the container image: PYTHONPATH=/opt/traces)"
        )
        raise ConfigurationError(message)


def _ratio(read: EnvParser) -> float:
    """Return OTEL_TRACES_SAMPLER_ARG."""
    text = read.text("OTEL_TRACES_SAMPLER_ARG", "1")
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1
    if not 0 <= ratio <= 1:
        message = f"OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not {text!r}"
        raise ConfigurationError(message)
    return ratio
