"""What a Lambda function imports before its first event, so that no client waits for it.

No connection is kept here: by the first event it may be stale or belong to a snapshot. Only the
issuer's keys are read while a client waits, beside the imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import trace_clients, wiring
from handlers.domain import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "app.app"
CONSUMER = "app.consume_handler"
# Lambda's value for an environment that a client already waits for. Other environments are made
# ahead of time (provisioned-concurrency) or from one snapshot (snap-start).
WAITED_FOR = "on-demand"


def preload(environment: Mapping[str, str]) -> None:
    """Check the settings, and import what this function needs; raise ConfigurationError."""
    if wiring.settings().embedded_metrics:
        metrics.switch_on()
    trace_clients.start()
    handler = environment.get("_HANDLER")
    if handler == API:
        authenticator = wiring.authenticator()
        wiring.rejection_cache()
        # Only admitted users need Kafka and MySQL, and only a first secret boto3: while a client
        # waits, they are imported on first use only.
        if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE", WAITED_FOR) != WAITED_FOR:
            wiring.publisher().prepare()
            wiring.secrets().prepare()
            wiring.ledger()
        else:
            authenticator.warm_up()
    elif handler == CONSUMER:
        wiring.warm_up()
