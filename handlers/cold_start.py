"""What a Lambda function imports before its first event, so that no client waits for it.

No connection is kept here: by the first event it may be stale or belong to a snapshot. Only the
issuer's keys are read while a client waits, beside the imports.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from handlers import routes, trace_clients, wiring
from handlers.domain import metrics
from handlers.gc_pause import gc_paused

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
    # What is imported stays, so the collector would look through all of it in vain.
    with gc_paused():
        _preload(environment)


def _preload(environment: Mapping[str, str]) -> None:
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
        # Only admitted users need Kafka and MySQL, only a first secret boto3, and only a token of
        # another form PyJWT: while a client waits, they are imported on first use only, as are the
        # handlers of all calls but one.
        if kind != WAITED_FOR:
            routes.load()
            authenticator.prepare()
            wiring.publisher().prepare()
            wiring.secrets().prepare()
            wiring.ledger()
        else:
            from handlers import apply  # noqa: F401, PLC0415 - the one that people wait for

            authenticator.warm_up()
    elif handler == CONSUMER:
        from handlers import consume  # noqa: F401, PLC0415 - as above

        wiring.warm_up()


def _differ_after_restore() -> None:
    """Give each environment random numbers of its own.

    They would all go on with the snapshot's: send their first coupon to the same partition, and
    give their traces the same ids. uuid and secrets ask the kernel, and need nothing.
    """
    from snapshot_restore_py import register_after_restore  # noqa: PLC0415 - Lambda's runtime has it

    register_after_restore(random.seed)
