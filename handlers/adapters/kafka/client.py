"""The network client of every Kafka client: what cannot connect leaves nothing behind."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaConnectionError, KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket, create_connection
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport

if TYPE_CHECKING:
    from socket import socket

# kafka-python chooses the class that connects by the scheme of its option `proxy_url`.
DIRECT = "direct"


class NetworkClient(KafkaNetClient):  # type: ignore[misc] # the library has no types
    """Connects when it is built; raises KafkaError where it cannot, and leaves no socket behind.

    The library's own client tries again until its timeout, also where every broker refuses, and
    leaves its sockets to the garbage collector; a consumer or an admin client that cannot connect
    also leaves a thread, for ever. A bare connection beforehand would tell of brokers that refuse,
    not of those that say nothing. It is one more connection, too, and MSK takes few new ones a
    second.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of a producer, a consumer or an admin client."""
        options["proxy_url"] = f"{DIRECT}:"
        network = NetworkSelector(**options)
        super().__init__(network, _Connections(network, **options), **options)
        try:
            self._manager.bootstrap(options["bootstrap_timeout_ms"])
        except BaseException as error:
            self.close()
            if refused := self._manager.refusal():
                raise refused from error
            raise


class _Connections(KafkaConnectionManager):  # type: ignore[misc] # the library has no types
    """Ends the first contact when each of the configured brokers has failed once.

    It gives a TLS handshake the time of its connection. The library's own waits without end for a
    broker that has taken the connection and says nothing, with the thread that asked for it.
    """

    def __init__(self, network: NetworkSelector, **options: Any) -> None:
        super().__init__(network, **options)
        # The library forgets to hand this option over, and by default a broker makes a topic that
        # is asked for. An admin client does not have it.
        if "allow_auto_create_topics" in options:
            self.cluster.config["allow_auto_create_topics"] = options["allow_auto_create_topics"]
        self._failed: set[object] = set()

    def bootstrap(self, timeout_ms: int | None = None, refresh: bool = True) -> None:  # noqa: FBT001, FBT002 - the library's signature
        """Connect for the first time; an admin client asks for it twice."""
        if not self.bootstrapped:
            super().bootstrap(timeout_ms, refresh)

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        """Return a connected transport; with TLS after its handshake."""
        if not self.ssl_enabled:
            return await super()._build_transport(node, timeout_at=timeout_at)
        connected = await create_connection(
            self._net,
            node.host,
            node.port,
            self.config["socket_options"],
            proxy_url=self.config["proxy_url"],
            timeout_at=timeout_at,
        )
        context = self.config["ssl_context"]
        transport = _TlsTransport(self._net, connected, host=node.host, ssl_context=context)
        try:
            await transport.handshake_until(timeout_at)
        except BaseException as error:
            transport.close()
            if isinstance(error, (OSError, KafkaError)):
                message = f"no TLS with {node.host}:{node.port}: {error}"
                raise KafkaConnectionError(message) from error
            raise
        return transport

    def update_backoff(self, node_id: object) -> float:
        """Note that a connection failed, which is when the library calls this."""
        backoff_ms: float = super().update_backoff(node_id)
        self._failed.add(node_id)
        # Once a broker has answered, the library knows the cluster, and keeps on trying.
        if not self.cluster.brokers() and self._failed >= self._configured():
            self.close()
        return backoff_ms

    def refusal(self) -> Exception | None:
        """Return why a broker refused who we are: no repetition helps, so a timeout says less."""
        return next(iter(self._auth_failures.values()), None)

    def _configured(self) -> set[object]:
        return {broker.node_id for broker in self.cluster.bootstrap_brokers()}


class _DirectSocket(KafkaNetSocket):  # type: ignore[misc] # the library has no types
    """Connects without a proxy, and closes a socket that could not connect."""

    SCHEMES = (DIRECT,)

    async def sock_connect(
        self, net: Any, sock: socket, sockaddr: Any, timeout_at: float | None = None
    ) -> socket:
        """Return the connected socket."""
        try:
            connected: socket = await super().sock_connect(net, sock, sockaddr, timeout_at)
        except BaseException:
            sock.close()
            raise
        return connected


class _TlsTransport(KafkaSSLTransport):  # type: ignore[misc] # the library has no types
    """A connection over TLS."""

    async def handshake_until(self, timeout_at: float | None) -> None:
        """Shake hands; raise OSError where that fails, KafkaTimeoutError after `timeout_at`."""
        while True:
            try:
                self._sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._net.wait_read(self._sock, timeout_at=timeout_at)
            except ssl.SSLWantWriteError:
                await self._net.wait_write(self._sock, timeout_at=timeout_at)
            else:
                return
