"""What a Lambda function imports before its first event, so that nobody waits for it.

Nothing connects here: a connection may be stale, or belong to a snapshot, by the first event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "app.app"
CONSUMER = "app.consume_handler"
# Lambda's word for an environment that somebody is already waiting for. Others are made ahead of
# time (provisioned-concurrency) or once for all (snap-start).
WAITED_FOR = "on-demand"


def preload(environment: Mapping[str, str]) -> None:
    """Check the settings, and import what this function needs; raise ConfigurationError."""
    wiring.settings()
    handler = environment.get("_HANDLER")
    if handler == API:
        wiring.authenticator()
        wiring.rejection_cache()
        # Only the admitted need Kafka: while somebody waits it is imported for them alone.
        if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE", WAITED_FOR) != WAITED_FOR:
            wiring.publisher()
    elif handler == CONSUMER:
        wiring.warm_up()
