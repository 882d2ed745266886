"""One code, two environments: the packaged functions return what the handlers return directly."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from handlers import (
    consume,
    migrate,
    privacy,
    rebuild,
    redrive,
    relay,
    restore,
    webhook_sender,
    wiring,
)
from handlers.adapters.migration.topic import ensure_topic
from handlers.config import Settings
from local.lambda_context import LambdaContext
from local.lambda_function.runtime_api import InvocationOutcome
from tests.conftest import empty_tables, forget_campaigns
from tests.parity.bucket import served
from tests.parity.calls import API, Case, Change
from tests.parity.cases import Script
from tests.parity.events import BUCKET, msk
from tests.support.service import HANDLERS, rows
from tests.support.state import MIGRATIONS, epoch_of, retry_deadline, set_epoch, statement, user_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from local.lambda_function.function import Function

Outcomes = dict[str, InvocationOutcome]
MIGRATE = "app.migrate_handler"
DIRECT = {
    "app.consume_handler": consume.consume_handler,
    "app.relay_handler": relay.relay_handler,
    "app.redrive_handler": lambda event, context: (
        redrive.redrive_handler(event, context) | privacy.privacy_handler(event, context)
    ),
    "app.webhook_handler": webhook_sender.webhook_minute_handler,
    "app.rebuild_handler": rebuild.rebuild_handler,
    "app.restore_handler": restore.restore_handler,
    MIGRATE: migrate.migrate_handler,
}
# Long enough for a cold producer: without an ack apply would write the row itself.
WAITS = {"KAFKA_ACK_TIMEOUT_MS": "5000", "PENDING_RESEND_AFTER_S": "60"}
# These differ between any two runs: the time of day, and how long a record has waited.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WAITED = re.compile(r'("oldest_pending_s":)[\d.]+')
MOMENT = re.compile(r'-\d+"$')  # of an entity tag
SECONDS_TO_THE_OPENING = "NOT_OPEN"
# The first test builds the package, which takes long on a busy machine.
pytestmark = pytest.mark.timeout(600)


def direct(case: Case) -> InvocationOutcome:
    """Call the handler in this process."""
    event = json.loads(json.dumps(case.event))
    # HEAD goes where GET goes; API Gateway leaves the body away.
    method = str(event.get("httpMethod")).replace("HEAD", "GET")
    call = f"{method} {event.get('resource')}"
    handler: Any = HANDLERS[call] if case.function == API else DIRECT[case.function]
    try:
        return InvocationOutcome("response", handler(event, LambdaContext(case.function, 29)))
    except Exception as error:  # noqa: BLE001 - what a handler raises is its outcome
        return InvocationOutcome(
            "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        )


def play(script: Script, settings: Settings, call: Callable[[Case], InvocationOutcome]) -> Outcomes:
    outcomes: Outcomes = {}
    for step in script.steps():
        if isinstance(step, Change):
            step.make(settings)
        else:
            outcomes[step.name] = call(step)
    return outcomes


def comparable(outcome: InvocationOutcome) -> Any:
    """Return an outcome without the parts that differ between any two runs."""
    body = outcome.body
    if outcome.kind == "error":
        return {name: body[name] for name in ("errorType", "errorMessage")}
    if "statusCode" not in body:
        return body
    # Chalice returns repeated headers in a field of its own; API Gateway makes one list of both.
    headers = dict(body["headers"])
    for name, values in (body.get("multiValueHeaders") or {}).items():
        headers[name] = ", ".join(values)
    if "ETag" in headers:
        headers["ETag"] = MOMENT.sub('-n"', headers["ETag"])
    text = WAITED.sub(r"\1n", TIME.sub("time", body["body"]))
    if body["statusCode"] == HTTPStatus.CONFLICT and SECONDS_TO_THE_OPENING in text:
        assert int(headers["Retry-After"]) > 0
        headers["Retry-After"] = "n"
    return body["statusCode"], headers, text


def meets(outcome: InvocationOutcome, expected: object) -> bool:
    """Tell whether an outcome is the expected one."""
    if isinstance(expected, int):
        return bool(outcome.body["statusCode"] == expected)
    if isinstance(expected, dict):
        return bool(outcome.body == expected)
    return str(expected) in json.dumps(outcome.body)


@pytest.fixture
def environments(
    service: Settings, environment: dict[str, str], campaign_id: str
) -> list[dict[str, str]]:
    """Two environments on the same servers, each with a topic and a group of its own."""
    made = []
    for name in ("direct", "packaged"):
        own = {"COUPON_TOPIC": f"{campaign_id}-{name}", "CONSUMER_GROUP": f"{campaign_id}-{name}"}
        made.append({**environment, **WAITS, **own})
        ensure_topic(Settings.from_environment(made[-1]), retry_deadline())
    return made


def reset_data(settings: Settings) -> None:
    """Remove all data of the last run, and reset the ids."""
    epoch = epoch_of(settings)
    assert epoch
    empty_tables(settings)
    forget_campaigns(settings)
    set_epoch(settings, epoch.decode())
    statement(settings, "ALTER TABLE failed_event AUTO_INCREMENT = 1")


def remove_setup(settings: Settings) -> None:
    """Remove everything that a migration sets up."""
    wiring.reset()
    tables = statement(
        settings,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "ORDER BY table_name = 'campaign'",  # last: others refer to it
    )
    for (table,) in tables:
        statement(settings, f"DROP TABLE {table}")
    set_epoch(settings, None)


def test_every_event_has_the_same_outcome_in_the_package_as_in_a_direct_call(
    service: Settings,
    environments: list[dict[str, str]],
    campaign_id: str,
    function: Callable[[str, Mapping[str, str]], AbstractContextManager[Function]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script(campaign_id)
    direct_settings, packaged_settings = environments
    with ExitStack() as functions:
        bucket = functions.enter_context(served(BUCKET, script.bucket()))
        for name, value in (direct_settings | bucket).items():
            monkeypatch.setenv(name, value)
        reset_data(service)
        expected = play(script, service, direct)
        wiring.reset()
        reset_data(service)
        running: dict[str, Function] = {}

        def invoke(case: Case) -> InvocationOutcome:
            if case.function not in running:
                running[case.function] = functions.enter_context(
                    function(case.function, packaged_settings | bucket)
                )
            return running[case.function].invoke(case.event)

        packaged = play(script, service, invoke)
    cases = [step for step in script.steps() if isinstance(step, Case)]
    assert [case.name for case in cases if not meets(expected[case.name], case.expected)] == []
    different = {
        name: (comparable(packaged[name]), comparable(expected[name]))
        for name in expected
        if comparable(packaged[name]) != comparable(expected[name])
    }
    assert different == {}
    assert len(packaged) == len(cases) > 50
    # Two that the consumer wrote, and one of the batch restored from the bucket.
    assert rows(service, "SELECT COUNT(*) FROM coupon") == [(3,)]


def test_the_packaged_migration_sets_everything_up_as_a_direct_call_does(
    service: Settings,
    environment: dict[str, str],
    campaign_id: str,
    function: Callable[[str, Mapping[str, str]], AbstractContextManager[Function]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Case("fresh", MIGRATE, {"partitions": 3, "replication_factor": 1}, "SET")
    again = Case("again", MIGRATE, {}, "KNOWN")
    remove_setup(service)
    monkeypatch.setenv("COUPON_TOPIC", f"{campaign_id}-direct")
    expected = [direct(first), direct(again)]
    remove_setup(service)
    with function(MIGRATE, environment | {"COUPON_TOPIC": f"{campaign_id}-packaged"}) as there:
        packaged = [there.invoke(case.event) for case in (first, again)]
    for outcomes, topic in ((expected, "direct"), (packaged, "packaged")):
        name = f"{campaign_id}-{topic}"
        assert [outcome.body for outcome in outcomes] == [
            {
                "schema": MIGRATIONS,
                "user": user_of(service),
                "topic": {"name": name, "partitions": 3, "created": True},
                "epoch": "SET",
            },
            {
                "schema": [],
                "user": user_of(service),
                "topic": {"name": name, "partitions": 3, "created": False},
                "epoch": "KNOWN",
            },
        ]


def test_an_error_in_a_handler_has_lambdas_own_form(
    environment: dict[str, str],
    function: Callable[[str, Mapping[str, str]], AbstractContextManager[Function]],
) -> None:
    with function("app.consume_handler", environment) as consumer:
        outcome = consumer.invoke(msk([], 0) | {"records": {"coupon_create-0": [{}]}})
        assert outcome.kind == "error"
        assert (outcome.body["errorType"], outcome.body["errorMessage"]) == ("KeyError", "'topic'")
        frames = "".join(outcome.body["stackTrace"])
        assert "handlers/consume.py" in frames
        # The function continues: the next event succeeds.
        assert consumer.invoke(msk([], 0)).body == {"batchItemFailures": []}


def test_wrong_settings_stop_the_start_and_name_the_variable(
    environment: dict[str, str],
    function: Callable[[str, Mapping[str, str]], AbstractContextManager[Function]],
) -> None:
    with function("app.app", environment | {"KAFKA_SECURITY": "open"}) as broken:
        outcome = broken.init_error()
    assert (outcome.kind, outcome.body["errorType"]) == ("init", "ConfigurationError")
    assert "KAFKA_SECURITY" in outcome.body["errorMessage"]
