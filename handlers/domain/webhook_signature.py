"""The secrets of webhooks, and signatures as Standard Webhooks 1.0.0 describes them.

No secret is stored: each is derived from WEBHOOK_SECRET, the webhook's id and a generation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the specification marks a secret


class WebhookSecrets:
    """Derives the secrets of all webhooks."""

    def __init__(self, root: str) -> None:
        """root: WEBHOOK_SECRET. With another one every webhook has other secrets."""
        self._root = root.encode()

    def shown(self, webhook_id: str, generation: int) -> str:
        """Return a secret as its receiver gets it: whsec_ and base64."""
        return SECRET_PREFIX + base64.b64encode(self._key(webhook_id, generation)).decode()

    def headers(
        self, webhook_id: str, generations: Iterable[int], event_id: str, now_s: int, body: bytes
    ) -> dict[str, str]:
        """Return the three headers of one request, signed by the secret of each generation."""
        content = f"{event_id}.{now_s}.".encode() + body
        signatures = [
            hmac.digest(self._key(webhook_id, generation), content, hashlib.sha256)
            for generation in generations
        ]
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": " ".join(
                f"v1,{base64.b64encode(signature).decode()}" for signature in signatures
            ),
        }

    def _key(self, webhook_id: str, generation: int) -> bytes:
        purpose = f"webhook:{webhook_id}:{generation}".encode()
        return hmac.digest(self._root, purpose, hashlib.sha256)
