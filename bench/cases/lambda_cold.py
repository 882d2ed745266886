"""Lambda, cold: init and first response in AWS's runtime client, on real servers."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.harness import FAILURES, Case, Goal
from bench.package import unpacked_package
from handlers.campaigns import create_campaign_handler
from handlers.domain import times
from local.harness.processes import HarnessError
from local.lambda_context import AWS_ACCOUNT_ID
from local.lambda_function.function import Function, fill_lambda_folder
from local.token import mint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

HANDLER = "app.app"
# Of init, with the interpreter's own start, and the first response. Lambda gives a function of
# 1,769 MB one whole core: there it is the time that a client waits, besides the servers.
CPU_MS_MAX = 350
RUNS = 5  # fresh environments for one value
HOUR_MS = 3_600_000
HEALTH = "init and GET /health"
REJECTED = "init and a rejection"  # the campaign is over
ACCEPTED = "init and an accepted apply"  # with Kafka's acknowledgement
OK, CREATED, IS_ACCEPTED, CONFLICT = 200, 201, 202, 409


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:  # noqa: ARG001 - each run is one request
    """Package this checkout; start the API's function, and send it one request."""
    runtime = cluster.folder / "runtime"
    runtime.mkdir()
    fill_lambda_folder(runtime)
    over, open_ = f"over-{time.time_ns()}", f"open-{time.time_ns()}"
    secret = cluster.settings.auth_jwt_secret
    _create(over, secret, closes_in_ms=-HOUR_MS)
    _create(open_, secret, closes_in_ms=HOUR_MS)
    users = (f"cold-{number}" for number in itertools.count())

    def requests(name: str) -> Iterator[tuple[dict[str, Any], int]]:
        for user in users:
            if name == HEALTH:
                yield _event("GET", "/health", "", ""), OK
            elif name == REJECTED:
                yield _apply(over, mint(secret, user)), CONFLICT
            else:
                yield _apply(open_, mint(secret, user)), IS_ACCEPTED

    with unpacked_package(cluster.folder) as tree:
        start = partial(Function, HANDLER, tree, runtime, cluster.environment)
        log = cluster.folder / "function.log"
        yield {
            name: partial(_measured, partial(start, log), requests(name))
            for name in (HEALTH, REJECTED, ACCEPTED)
        }


def _measured(start: Any, requests: Iterator[tuple[dict[str, Any], int]]) -> Metrics:
    """Return the least of the runs, which other programs disturbed least."""
    runs = [_run(start, *next(requests)) for _ in range(RUNS)]
    return {name: min(run[name] for run in runs) for name in runs[0]} | {
        FAILURES: sum(run[FAILURES] for run in runs)
    }


def _run(start: Any, event: dict[str, Any], expected: int) -> dict[str, float]:
    began = time.perf_counter()
    with start() as function:
        function.await_init()
        init_ms = function.cpu_s() * 1000
        outcome = function.invoke(event)
        cpu_ms = function.cpu_s() * 1000
        clock_ms = (time.perf_counter() - began) * 1000
    is_wrong = outcome.kind != "response" or outcome.body["statusCode"] != expected
    return {"cpu_ms": cpu_ms, "init_ms": init_ms, "clock_ms": clock_ms, FAILURES: is_wrong}


def _create(campaign_id: str, secret: str, closes_in_ms: int) -> None:
    now_ms = time.time_ns() // 1_000_000
    campaign = {
        "id": campaign_id,
        "name": "Cold",
        "quantity": 100_000,
        "opens_at": times.to_iso(now_ms - 2 * HOUR_MS),
        "closes_at": times.to_iso(now_ms + closes_in_ms),
    }
    token = mint(secret, "admin", "coupon:admin")
    response = create_campaign_handler(_event("POST", "/campaigns", "", token, campaign), None)
    if response["statusCode"] != CREATED:
        message = f"no campaign: {response['body']}"
        raise HarnessError(message)


def _apply(campaign_id: str, token: str) -> dict[str, Any]:
    return _event("POST", "/campaigns/{id}/apply", campaign_id, token)


def _event(
    method: str, resource: str, campaign_id: str, token: str, body: object = None
) -> dict[str, Any]:
    """Return the event as API Gateway sends it, with the parts that a REST API always has."""
    path = resource.replace("{id}", campaign_id)
    headers = {"Accept": "*/*", "Host": "bench", "User-Agent": "bench"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"id": campaign_id} if campaign_id else None,
        "stageVariables": None,
        "requestContext": {
            "accountId": AWS_ACCOUNT_ID,
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/prod{path}",
            "requestId": f"cold-{time.time_ns()}",
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "bench"},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


CASE = Case(
    "lambda-cold",
    "Lambda, cold: init and the first response",
    "cpu_ms",
    "",
    (Goal(ACCEPTED, "cpu_ms", CPU_MS_MAX, at_most=True),),
    variants,
    beside=("init_ms", "clock_ms"),
)
