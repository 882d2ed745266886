"""A real run: what the programs show is what MySQL, Redis, Kafka and the clients have."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.keys import CampaignKeys
from handlers.config import Settings
from tests.support.http_client import Call, Client
from tests.support.polling import send
from tests.support.programs import running, running_with
from tests.support.prometheus import Scrape, promtool, read, url_of
from tests.support.service import ADMIN, campaign_body, mint
from tests.support.state import statement
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.service import Response

QUANTITY, USERS = 20, 60
APPLY = {"method": "POST", "route": "/campaigns/{id}/apply"}
OFTEN = {"local.scheduler.MEASURE_INTERVAL_S": 0.2}


@dataclass(frozen=True)
class Shop:
    """The running programs, and where they show their metrics."""

    settings: Settings
    client: Client
    gateway: str
    consumer: str
    scheduler: str

    @property
    def urls(self) -> tuple[str, str, str]:
        return self.gateway, self.consumer, self.scheduler

    def apply(self, campaign_id: str, *users: str) -> list[Response]:
        calls = [Call("POST", f"/campaigns/{campaign_id}/apply", user) for user in users]
        return self.client.send_all(calls, threads=8)

    def create(self, campaign_id: str) -> None:
        body = campaign_body(campaign_id, QUANTITY)
        assert self.client.send(Call("POST", "/campaigns", "admin", ADMIN, body)).status == 201


@pytest.fixture
def shop(world: dict[str, str]) -> Iterator[Shop]:
    # On a busy machine an ack may come late: then apply would write the row itself.
    world = {**world, "KAFKA_ACK_TIMEOUT_MS": "20000"}
    intervals = ("--interval-s=0.5", "--rebuild-interval-s=0.5", "--webhook-interval-s=0.5")
    with ExitStack() as stack:
        gateway = stack.enter_context(
            running("local.serve", "--port=0", "--workers=2", "--metrics-port=0", environment=world)
        )
        line = gateway.out.until(lambda text: "listening on" in text)
        consumer = stack.enter_context(
            running(
                "local.poll_runner",
                *("--processes=2", "--batch-window-ms=50", "--metrics-port=0"),
                environment=world,
            )
        )
        scheduler = stack.enter_context(
            running_with(
                "local.scheduler", OFTEN, "--metrics-port=0", *intervals, environment=world
            )
        )
        programs = (gateway, consumer, scheduler)
        client = stack.enter_context(Client(int(line.rsplit(":", 1)[1])))
        yield Shop(Settings.from_environment(world), client, *map(url_of, programs))
        for program in programs:
            assert program.stop() == 0


def until(url: str, name: str, expected: float, **labels: str) -> Scrape:
    """Return the first scrape that shows the expected value; a worker reports once a second."""
    what = f"{name} {labels} to be {expected:g}"
    return until_true(url, lambda scrape: scrape.value(name, **labels) == expected, what)


def until_true(url: str, condition: Callable[[Scrape], bool], what: str) -> Scrape:
    seen: list[Scrape] = []

    def shows() -> bool:
        seen[:] = [read(url)]
        return condition(seen[0])

    try:
        eventually(shows, what)
    except AssertionError as error:
        error.add_note(seen[0].text)
        raise
    return seen[0]


def of_table(scrape: Scrape, name: str) -> float:
    """Return the value without paths that no route has: the gateway probes itself by one."""
    return scrape.value(name) - scrape.value(name, route="other")


def in_redis(settings: Settings, campaign_id: str) -> tuple[int, int]:
    """Return how many users have a serial, and how many of them are pending."""
    keys = CampaignKeys.of(campaign_id)
    with connect(settings) as client:
        node = client_of_key(client, keys.campaign)
        return node.zcard(keys.applied_user), node.zcard(keys.pending)


def test_every_number_is_what_the_servers_and_the_clients_have(
    shop: Shop, campaign_id: str
) -> None:
    shop.create(campaign_id)
    people = [f"person-{number}" for number in range(USERS)]
    answers = [*shop.apply(campaign_id, *people), *shop.apply(campaign_id, *people)]
    told = Counter(answer.code for answer in answers)
    assert told["ACCEPTED"] == QUANTITY
    others = [
        Call("GET", "/health"),
        Call("HEAD", f"/campaigns/{campaign_id}"),
        Call("GET", f"/campaigns/{campaign_id}/coupon", "person-0"),
        Call("POST", f"/campaigns/{campaign_id}/apply"),  # 401
        Call("DELETE", f"/campaigns/{campaign_id}"),  # 405
        Call("GET", "/person-0/nothing/here"),
    ]
    for call in others:
        shop.client.is_described = False
        shop.client.send(call)
    written = until(shop.consumer, "seonchak_written_coupons_total", QUANTITY)
    # And the campaign's creation, without the path that no route has.
    asked = len(answers) + len(others)

    # The gateway's two processes are added up.
    gateway = until_true(
        shop.gateway,
        lambda scrape: of_table(scrape, "seonchak_responses_total") == asked,
        f"{asked} responses",
    )
    assert of_table(gateway, "seonchak_response_duration_seconds_count") == asked
    by_outcome = gateway.by("outcome", "seonchak_requests_total", **APPLY)
    assert by_outcome == {**told, "UNAUTHENTICATED": 1}
    by_status = gateway.by("status", "seonchak_responses_total", **APPLY)
    assert by_status == {**Counter(str(answer.status) for answer in answers), "401": 1}
    assert gateway.value("seonchak_responses_total", route="/campaigns/{id}", status="405") == 1
    assert gateway.value("seonchak_responses_total", route="other", status="404") >= 1
    decided = gateway.by("outcome", "seonchak_admissions_total")
    assert decided["ACCEPTED"] == QUANTITY
    sent = gateway.value("seonchak_published_records_total", result="acknowledged")
    assert sent >= QUANTITY
    assert gateway.value("seonchak_direct_writes_total") == 0
    assert gateway.value("seonchak_queued_requests") == 0
    assert gateway.value("seonchak_open_circuit_breakers") == 0

    # The consumer's two processes.
    [(rows,)] = statement(shop.settings, "SELECT COUNT(*) FROM coupon")
    assert rows == QUANTITY == written.value("seonchak_written_coupons_total")
    # Not compared with the topic's end offsets, which Tansu gives too low at times.
    consumer = until(shop.consumer, "seonchak_consumed_records_total", sent, result="decoded")
    assert consumer.value("seonchak_batches_total") == consumer.value(
        "seonchak_batch_duration_seconds_count"
    )
    assert consumer.value("seonchak_batches_total", result="success") >= 1

    # What the scheduler asks Redis, MySQL and Kafka.
    until(shop.scheduler, "seonchak_campaign_pending_admissions", 0)
    scheduler = until_true(
        shop.scheduler,
        lambda scrape: (
            scrape.value("seonchak_consumer_lag_records") == 0
            and scrape.value("seonchak_unknown_state") == 0
            and scrape.value("seonchak_campaign_admitted_users") == QUANTITY
        ),
        "the consumers to have read everything",
    )
    admitted, pending = in_redis(shop.settings, campaign_id)
    assert scheduler.value("seonchak_campaign_admitted_users", campaign=campaign_id) == admitted
    assert (admitted, pending) == (QUANTITY, 0)
    assert scheduler.value("seonchak_campaign_quantity_coupons", campaign=campaign_id) == QUANTITY
    assert scheduler.value("seonchak_campaign_remaining_coupons", campaign=campaign_id) == 0
    assert scheduler.by("state", "seonchak_campaigns") == {"SOLD_OUT": 1}
    assert scheduler.value("seonchak_job_runs_total", function="relay_handler") >= 1
    has_no_person(shop)


def test_a_record_that_cannot_be_read_shows_in_the_counts_and_in_the_rows(
    shop: Shop, campaign_id: str
) -> None:
    shop.create(campaign_id)
    until(shop.scheduler, "seonchak_failed_events", 0)
    send(shop.settings, [b"no message of ours", b"nor this"])
    until(shop.consumer, "seonchak_consumed_records_total", 2, result="undecodable")
    scheduler = until(shop.scheduler, "seonchak_failed_events", 2)
    [(rows,)] = statement(shop.settings, "SELECT COUNT(*) FROM failed_event")
    assert rows == 2
    assert scheduler.value("seonchak_failed_events", status="DEAD") == 0
    until(shop.scheduler, "seonchak_redriven_events_total", 2, result="retried")


def has_no_person(shop: Shop) -> None:
    """Fail where a label has something of a client: a user, a token, a path that was made up."""
    token_parts = [part for part in mint("person-0").split(".") if part]
    for url in shop.urls:
        text = read(url).text
        for secret in ("person-", "nothing/here", *token_parts):
            assert secret not in text, url


def test_promtool_finds_nothing_wrong_with_what_the_programs_show(
    shop: Shop, campaign_id: str
) -> None:
    shop.create(campaign_id)
    shop.apply(campaign_id, "person-1")
    until(shop.consumer, "seonchak_written_coupons_total", 1)
    until(shop.scheduler, "seonchak_campaign_admitted_users", 1)
    for url in shop.urls:
        checked = promtool("check", "metrics", text=read(url).text)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", ""), url
