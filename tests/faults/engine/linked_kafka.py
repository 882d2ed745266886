"""Kafka behind a link: what it advertises to its clients is the link's address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.servers import ApacheKafka, Tansu
from local.servers.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

# A broker's default minimum for sessions is six seconds; a killed consumer is missed after one.
SHORT_SESSIONS = "group.min.session.timeout.ms=500"


class LinkedTansu(Tansu):
    """Advertises the link's address to its clients."""

    def __init__(self, link_port: int) -> None:
        super().__init__()
        self._link_port = link_port

    def command(self) -> Sequence[str]:
        advertised = f"--advertised-listener-url=tcp://{HOST}:{self._link_port}"
        return [*(word for word in super().command() if "advertised" not in word), advertised]


class LinkedApacheKafka(ApacheKafka):
    """The same with Apache Kafka."""

    def __init__(self, link_port: int) -> None:
        super().__init__()
        self._link_port = link_port

    def prepare(self) -> None:
        super().prepare()
        properties = self.home / "server.properties"
        ours = f"advertised.listeners=PLAINTEXT://{HOST}:{self.port}"
        theirs = f"advertised.listeners=PLAINTEXT://{HOST}:{self._link_port}"
        text = properties.read_text().replace(ours, theirs)
        properties.write_text(f"{text}\n{SHORT_SESSIONS}\n")
