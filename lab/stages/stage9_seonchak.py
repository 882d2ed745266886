"""Stage 9: seonchak itself. An epoch tells a Redis that forgot; a rebuild brings it back."""

import json

from kafka import TopicPartition

from handlers import apply as applying
from handlers import campaigns, operations, rebuild, redrive, relay, wiring
from handlers import consume as consuming
from lab.servers import GROUP, TOPIC
from local.lambda_context import LambdaContext
from local.poll_runner.event import EventSource, kafka_event
from local.token import bearer

ANSWERS = {"ACCEPTED": "accepted", "SOLD_OUT": "sold out", "ALREADY_APPLIED": "already applied"}
CAMPAIGN = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-01-01T00:00:00Z",
    "closes_at": "2099-01-01T00:00:00Z",
}


def request(user_id: str, scope: str = "", **more: object) -> dict:
    """What API Gateway makes of an HTTP request: the event of a Lambda function."""
    headers = bearer(wiring.settings().auth_jwt_secret, user_id, scope)
    return {"headers": headers, "pathParameters": {"id": "welcome"}, **more}


def prepare() -> None:
    """Create the tables and the campaign: `make migrate`, then POST /campaigns."""
    operations.migration().run_within(30, print, 1, 1)
    event = request("admin", "coupon:admin", body=json.dumps(CAMPAIGN))
    campaigns.create_campaign_handler(event, LambdaContext("create", 10))


def warm_up() -> None:
    """Connect to Kafka before the first press, as the gateway does."""
    wiring.publisher().warm_up()


def apply(user_id: str) -> str:
    """POST /campaigns/welcome/apply: 503 means the place is kept, or Redis is being rebuilt."""
    response = applying.apply_handler(request(user_id), LambdaContext("apply", 10))
    body = json.loads(response["body"])
    return ANSWERS.get(body.get("outcome") or body["code"], "try again")


def consume(records: list) -> None:
    """A batch, as Lambda delivers it."""
    polled = {TopicPartition(TOPIC, records[0].partition): records}
    consuming.consume_handler(kafka_event(polled, [], EventSource.MSK), LambdaContext(GROUP, 10))


def every_second() -> None:
    """Relay, redrive and rebuild: each is a Lambda function of its own."""
    for handler in (rebuild.rebuild_handler, relay.relay_handler, redrive.redrive_handler):
        handler({}, LambdaContext(handler.__name__, 900))
