"""A Lambda function's metrics in its log, in CloudWatch's embedded metric format."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from app import app as chalice
from handlers import cold_start, wiring
from handlers import embedded_metrics as embedded
from handlers.config import Settings
from handlers.domain import metrics
from handlers.domain.metric import COUNTING
from handlers.embedded_metrics import LINES_MAX, SECOND_S, EmbeddedMetrics, embedded_metrics
from local.lambda_context import LambdaContext
from tests.parity.events import http
from tests.support.clock import ManualClock
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_campaign import FakeCampaign
    from tests.unit.conftest import Bearer, Fakes, LogLines

APPLY = ("POST", "/campaigns/{id}/apply")


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    metrics.switch_on()
    yield
    metrics.switch_on()  # forgets what a test has counted
    metrics.switch_off()


@pytest.fixture
def settings() -> Iterator[Settings]:
    chosen = Settings.from_environment(ENVIRONMENT)
    with wiring.override(wiring.settings, chosen):
        yield chosen
    wiring.reset()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def writer(clock: ManualClock) -> EmbeddedMetrics:
    return EmbeddedMetrics("seonchak/prod", clock)


def checked(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line's numbers and labels; fail where CloudWatch would not take them."""
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert abs(line["_aws"]["Timestamp"] - time.time() * 1000) < 60_000
    assert directive["Namespace"] == "seonchak/prod"
    [dimensions] = directive["Dimensions"]
    assert len(dimensions) <= 30
    assert all(isinstance(line[name], str) for name in dimensions)
    assert len(directive["Metrics"]) <= 100
    assert {one["Unit"] for one in directive["Metrics"]} <= {"Count", "Seconds"}
    names = [one["Name"] for one in directive["Metrics"]]
    assert all(isinstance(line[name], int | float) for name in names)
    return {name: line[name] for name in [*dimensions, *names]}


def test_what_was_counted_since_the_last_time_is_written_under_the_names_of_prometheus(
    writer: EmbeddedMetrics, logged: LogLines
) -> None:
    for _ in range(3):
        metrics.REQUESTS.inc((*APPLY, "SOLD_OUT"))
        metrics.RESPONSE_SECONDS.observe(APPLY, 0.25)
    writer.write()
    labels = {"method": "POST", "route": "/campaigns/{id}/apply"}
    assert [checked(line) for line in logged.lines] == [
        labels
        | {
            "seonchak_response_duration_seconds_count": 3,
            "seonchak_response_duration_seconds_sum": 0.75,
        },
        labels | {"outcome": "SOLD_OUT", "seonchak_requests_total": 3},
    ]
    logged.clear()
    metrics.REQUESTS.inc((*APPLY, "SOLD_OUT"))
    writer.write()
    [line] = logged.lines
    assert checked(line)["seonchak_requests_total"] == 1
    logged.clear()
    writer.write()
    assert logged.lines == []


def test_a_flood_of_one_kind_is_one_line_a_second(
    writer: EmbeddedMetrics, clock: ManualClock, logged: LogLines
) -> None:
    for _ in range(1000):
        metrics.REQUESTS.inc((*APPLY, "SOLD_OUT"))
        writer.write_due()
    clock.now_s += SECOND_S
    writer.write_due()
    assert [checked(line)["seonchak_requests_total"] for line in logged.lines] == [1, 999]


def test_campaigns_and_partitions_are_added_up_and_of_an_age_the_highest_counts(
    writer: EmbeddedMetrics, logged: LogLines
) -> None:
    metrics.PENDING.set_all({("welcome",): 3, ("autumn",): 4})
    metrics.PENDING_AGE.set_all({("welcome",): 1.5, ("autumn",): 0.5})
    metrics.LAG.set_all({("0",): 10, ("1",): 20})
    writer.write()
    [line] = logged.lines
    assert checked(line) == {
        "seonchak_campaign_pending_admissions": 7,
        "seonchak_campaign_oldest_pending_seconds": 1.5,
        "seonchak_consumer_lag_records": 30,
    }


def test_of_very_many_kinds_the_rest_comes_with_the_next_time(
    writer: EmbeddedMetrics, logged: LogLines
) -> None:
    for number in range(LINES_MAX + 20):
        metrics.REQUESTS.inc((*APPLY, f"CODE_{number}"))
    writer.write()
    assert len(logged.lines) == LINES_MAX
    writer.write()
    assert len(logged.lines) == LINES_MAX + 20
    assert len({line["outcome"] for line in logged.lines}) == LINES_MAX + 20


def test_kinds_that_change_every_time_do_not_keep_the_others_from_being_written(
    writer: EmbeddedMetrics, logged: LogLines
) -> None:
    kinds = {f"CODE_{number:04}" for number in range(3 * LINES_MAX)}
    for _ in range(3):
        for kind in kinds:
            metrics.REQUESTS.inc((*APPLY, kind))
        writer.write()
    assert len(logged.lines) == 3 * LINES_MAX
    assert {line["outcome"] for line in logged.lines} == kinds
    for _ in range(3):
        writer.write()
    written = Counter[str]()
    for line in logged.lines:
        written[line["outcome"]] += line["seonchak_requests_total"]
    assert written == dict.fromkeys(kinds, 3)


def test_a_run_of_a_function_is_counted_and_measured_also_where_it_fails(
    logged: LogLines, settings: Settings
) -> None:
    measured = []
    with (
        pytest.raises(OSError, match="no answer"),
        embedded.job("relay", lambda: measured.append(1)),
    ):
        raise OSError("no answer")  # noqa: EM101, TRY003
    assert measured == [1]
    assert metrics.JOBS.snapshot() == {("relay", "failed"): 1}
    assert [line["function"] for line in logged.lines] == ["relay", "relay"]


def test_a_function_that_is_not_told_to_writes_and_counts_nothing(logged: LogLines) -> None:
    metrics.switch_off()
    embedded.count_response(*APPLY, 409, time.perf_counter())
    with embedded.job("relay"):
        pass
    assert logged.lines == []
    assert metrics.RESPONSES.snapshot() == {}


@pytest.mark.parametrize(("setting", "expected"), [("on", True), ("off", False)])
def test_a_cold_start_switches_them_on_where_the_setting_says_so(
    setting: str, *, expected: bool
) -> None:
    metrics.switch_off()
    chosen = Settings.from_environment({**ENVIRONMENT, "EMBEDDED_METRICS": setting})
    with wiring.override(wiring.settings, chosen):
        cold_start.preload({"_HANDLER": "app.relay_handler"})
    assert COUNTING.is_on is expected


def test_the_namespace_is_that_of_the_stage(settings: Settings) -> None:
    assert embedded_metrics()._namespace == "seonchak/local"


def test_the_shell_on_lambda_counts_responses_and_outcomes_of_an_invocation(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer, logged: LogLines
) -> None:
    assert campaign
    token = bearer("person-42")["Authorization"].removeprefix("Bearer ")
    event = http("POST /campaigns/{id}/apply", "welcome", token=token)
    answer = chalice(event, LambdaContext("app", 29.0))
    assert answer["statusCode"] == 202
    labels = {"method": "POST", "route": "/campaigns/{id}/apply"}
    lines = [line for line in logged.lines if line["message"] == embedded.MESSAGE]
    counted = {name: number for line in lines for name, number in line.items()}
    assert counted.items() >= {**labels, "status": "202", "outcome": "ACCEPTED"}.items()
    assert counted["seonchak_responses_total"] == counted["seonchak_requests_total"] == 1
    assert counted["seonchak_response_duration_seconds_count"] == 1
    assert "person-42" not in str(lines)
