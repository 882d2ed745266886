"""Builds the clients of the webhooks, as wiring.py does those of the coupons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.env_parser import ConfigurationError
from handlers.once import once

if TYPE_CHECKING:
    from handlers.adapters.mysql.announcements import Announcements
    from handlers.adapters.mysql.delivery_log import DeliveryLog
    from handlers.adapters.mysql.webhooks import Webhooks
    from handlers.adapters.webhook_sender import WebhookSender
    from handlers.domain.webhook_signature import WebhookSecrets


@once
def webhooks() -> Webhooks:
    """Return the webhooks in MySQL."""
    from handlers.adapters.mysql.webhooks import Webhooks

    return Webhooks(wiring.database())


@once
def delivery_log() -> DeliveryLog:
    """Return what was sent to webhooks."""
    from handlers.adapters.mysql.delivery_log import DeliveryLog

    return DeliveryLog(wiring.database())


@once
def webhook_secrets() -> WebhookSecrets:
    """Return the secrets of all webhooks; raise ConfigurationError without WEBHOOK_SECRET."""
    from handlers.domain.webhook_signature import WebhookSecrets

    # Read once per process: with another one, every webhook has other secrets.
    secret = wiring.secrets().signing("WEBHOOK_SECRET_ID", wiring.settings().webhook_secret_id)
    root = secret.current() if secret else wiring.settings().webhook_secret
    if not root:
        message = "there are webhooks: set WEBHOOK_SECRET or WEBHOOK_SECRET_ID"
        raise ConfigurationError(message)
    return WebhookSecrets(root)


@once
def announcements() -> Announcements:
    """Return the writer of events that happen by time."""
    from handlers.adapters.mysql.announcements import Announcements

    return Announcements(wiring.database())


@once
def webhook_sender() -> WebhookSender:
    """Return the sender of the outbox."""
    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.deliveries import Deliveries
    from handlers.adapters.mysql.webhooks import Webhooks
    from handlers.adapters.webhook_client import WebhookClient
    from handlers.adapters.webhook_sender import WebhookSender

    store = wiring.secrets()
    # Of its own, since its thread is: each thread has a connection.
    database = Database(store.database_address, store.renew_database)
    client = WebhookClient(internal=wiring.settings().webhook_internal)
    return WebhookSender(Webhooks(database), Deliveries(database), client, webhook_secrets)
