"""What a Lambda function imports before its first event, so that no client waits for it.

No connection is kept here: by the first event it may be stale or belong to a snapshot. Only the
issuer's keys are read while a client waits, beside the imports.
"""

from __future__ import annotations

import random
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
SNAPSHOT = "snap-start"


def preload(environment: Mapping[str, str]) -> None:
    """Check the settings, and import what this function needs; raise ConfigurationError."""
    kind = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE", WAITED_FOR)
    if kind == SNAPSHOT:
        _differ_after_restore()
    if wiring.settings().embedded_metrics:
        metrics.switch_on()
    trace_clients.start()
    handler = environment.get("_HANDLER")
    if handler == API:
        authenticator = wiring.authenticator()
        wiring.rejection_cache()
        # Only admitted users need Kafka and MySQL, and only a first secret boto3: while a client
        # waits, they are imported on first use only.
        if kind != WAITED_FOR:
            wiring.publisher().prepare()
            wiring.secrets().prepare()
            wiring.ledger()
        else:
            authenticator.warm_up()
    elif handler == CONSUMER:
        wiring.warm_up()


def _differ_after_restore() -> None:
    """Give each environment random numbers of its own.

    They would all go on with the snapshot's: send their first coupon to the same partition, and
    give their traces the same ids. uuid and secrets ask the kernel, and need nothing.
    """
    from snapshot_restore_py import register_after_restore  # noqa: PLC0415 - Lambda's runtime has it

    register_after_restore(random.seed)
