"""What all programs log, with and without failures: JSON lines without secrets."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer

from handlers.adapters.kafka.connection import connection_options
from handlers.config import Settings
from tests.support.http_client import Call, Client
from tests.support.log_lines import parsed
from tests.support.programs import Program, running
from tests.support.service import ADMIN, campaign_body, coupons, message, mint, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Passwords that servers refuse, and an invalid token.
WRONG = {"wrong-database-password", "wrong-redis-password"}
FORGED = "forged.token.that-nobody-signed"
SCHEDULES = ("--interval-s", "0.5", "--rebuild-interval-s", "0.5")


class Outputs:
    """Everything that programs have written, by program."""

    def __init__(self) -> None:
        self.stderr: list[str] = []
        self.stdout: list[str] = []

    @contextmanager
    def of(self, module: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[Program]:
        with running(module, *arguments, environment=environment) as program:
            yield program
        # Ended by now, so every line is here.
        self.stderr += program.err.seen
        self.stdout += program.out.seen

    @property
    def text(self) -> str:
        return "\n".join(self.stderr + self.stdout)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return parsed(self.stderr)


@pytest.fixture
def outputs() -> Outputs:
    return Outputs()


def gateway_port(program: Program) -> int:
    line = program.out.until(lambda line: "listening on" in line)
    return int(line.rpartition(":")[2])


def secrets_of(world: Mapping[str, str]) -> set[str]:
    address = Settings.from_environment(world).database_address
    assert address
    signing = ("AUTH_JWT_SECRET", "COUPON_CODE_SECRET", "CHALLENGE_SECRET", "WEBHOOK_SECRET")
    names = (*signing, "DATABASE_URL", "REDIS_URL")
    return {address.password, *(world[name] for name in names)}


def hostile_calls(campaign_id: str) -> list[Call]:
    """Calls with a secret in every part where a client could put one by mistake."""
    token = mint("42")
    return [
        Call("GET", f"/campaigns/{token}/coupon", "42"),
        Call("GET", f"/campaigns/{campaign_id}/coupon?access_token={token}", "first"),
        Call("GET", f"/campaigns/{campaign_id}/coupon", headers={"Authorization": FORGED}),
        Call("GET", "/failed-events", headers={"Authorization": f"Bearer {FORGED}"}),
        Call("POST", "/campaigns", "admin", ADMIN, body={"password": token}),
        Call("POST", "/campaigns", "admin", ADMIN, body=token.encode()),
        Call("GET", f"/{token}"),
    ]


def send_poison(settings: Settings, campaign_id: str, code: str) -> int:
    """Send records that cannot be written, with a coupon's code; return how many."""
    poison = [
        code.encode(),
        json.dumps({"v": 1, "campaign_id": code, "user_id": code}).encode(),
        message(campaign_id, "thief", 1).encode(),
        message(f"{campaign_id}-none", "lost", 1).encode(),
    ]
    producer = KafkaProducer(**connection_options(settings))
    for value in poison:
        producer.send(settings.coupon_topic, value=value)
    producer.close()
    return len(poison)


def a_good_day(world: dict[str, str], campaign_id: str, outputs: Outputs) -> set[str]:
    """Cause everything that users and poison can cause; return the codes of the coupons."""
    settings = Settings.from_environment(world)
    with ExitStack() as stack:
        start = stack.enter_context
        # On a busy machine an ack may come too late; then the relay sends.
        impatient = world | {"PENDING_RESEND_AFTER_S": "1"}
        scheduler = start(outputs.of("local.scheduler", *SCHEDULES, environment=impatient))
        poller = start(outputs.of("local.poll_runner", "--batch-window-ms=50", environment=world))
        gateway = start(outputs.of("local.serve", "--port=0", environment=world))
        with Client(gateway_port(gateway)) as client:
            body = campaign_body(campaign_id, 2)
            assert client.send(Call("POST", "/campaigns", "admin", ADMIN, body)).status == 201
            for user in ("first", "second", "third"):
                client.send(Call("POST", f"/campaigns/{campaign_id}/apply", user))
            eventually(lambda: len(coupons(settings, campaign_id)) == 2, "the rows")
            codes = {str(code) for (code,) in rows(settings, "SELECT code FROM coupon")}
            sent = send_poison(settings, campaign_id, min(codes))
            count = "SELECT COUNT(*) FROM failed_event"
            eventually(lambda: rows(settings, count) == [(sent,)], "the failed events")
            responses = [client.send(call) for call in hostile_calls(campaign_id)]
            assert [response.status for response in responses] == [
                404,
                200,
                401,
                401,
                400,
                400,
                404,
            ]
        for program in (gateway, poller, scheduler):
            assert program.stop() == 0
    return codes


def a_bad_day(world: dict[str, str], campaign_id: str, outputs: Outputs) -> None:
    """Every server refuses or is unreachable."""
    address = Settings.from_environment(world).database_address
    assert address
    location = f"{address.host}:{address.port}/{address.database}"
    bad_database = {"DATABASE_URL": f"mysql://{address.user}:wrong-database-password@{location}"}
    redis = world["REDIS_URL"].partition("://")[2]
    bad = world | bad_database | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    bad["REDIS_URL"] = f"redis://:wrong-redis-password@{redis}"
    with outputs.of("local.serve", "--port=0", environment=bad) as gateway:
        with Client(gateway_port(gateway)) as client:
            body = campaign_body(f"{campaign_id}-b")
            for call in (
                Call("POST", f"/campaigns/{campaign_id}/apply", "fourth"),
                Call("GET", f"/campaigns/{campaign_id}/coupon", "first"),
                Call("POST", "/campaigns", "admin", ADMIN, body),
                Call("GET", "/failed-events", "admin", ADMIN),
                Call("GET", "/ready"),
            ):
                response = client.send(call)
                assert (response.status, response.code) == (503, "UNAVAILABLE"), call
        assert gateway.stop() == 0
    with outputs.of("local.scheduler", "--once", environment=bad) as scheduler:
        assert scheduler.wait() == 1
    # Kafka is there for this one, so that it has a batch which MySQL then does not take.
    late = world | bad_database | {"CONSUMER_GROUP": f"{world['CONSUMER_GROUP']}_late"}
    with outputs.of("local.poll_runner", "--batch-window-ms=50", environment=late) as poller:
        poller.err.until(lambda line: '"failed"' in line)
        assert poller.stop() == 0


def test_no_program_ever_writes_a_secret_and_every_log_line_is_json(
    world: dict[str, str], campaign_id: str, outputs: Outputs
) -> None:
    codes = a_good_day(world, campaign_id, outputs)
    assert len(codes) == 2
    a_bad_day(world, campaign_id, outputs)
    # A token has three parts; the first one is the same in all signed tokens, and not secret.
    signatures = {mint("42").split(".")[0] + ".", FORGED}
    for secret in secrets_of(world) | WRONG | codes | signatures:
        assert secret not in outputs.text
    lines = outputs.lines
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    requests = [line for line in lines if line["message"] == "apply_handler"]
    assert [line["outcome"] for line in requests] == [
        "ACCEPTED",
        "ACCEPTED",
        "SOLD_OUT",
        "UNAVAILABLE",
    ]
    for line in requests:
        assert line["request_id"]
        assert line["campaign_id"] == campaign_id
        assert line["duration_ms"] > 0
    batches = [line for line in lines if line["message"] in {"batch", "consume_handler"}]
    assert all(line["request_id"] and line["duration_ms"] >= 0 for line in batches)
    assert {line["result"] for line in batches if "result" in line} >= {"success", "failed"}
