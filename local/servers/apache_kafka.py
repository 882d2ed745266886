"""Apache Kafka without Docker: one process that is broker and controller, in KRaft mode."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from local.servers.kafka_protocol import lists_a_broker
from local.servers.maven import Download, libraries
from local.servers.ports import HOST, free_port
from local.servers.process import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

JARS = Download("Apache Kafka", "apache-kafka", 45)
JAVA_VERSION_MIN = 17
JAVA_MISSING = (
    f"Java {JAVA_VERSION_MIN} or later is needed: install it "
    "(Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk)"
)
# One broker, so one replica of everything; small internal topics, so that the first group
# does not wait for fifty partitions; short timeouts, so that a killed broker is back soon.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers={host}:{controller_port}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""


class ApacheKafka(Server):
    """The real Kafka, for what Tansu cannot do: the data on its disk survives a restart."""

    name: str = "Apache Kafka"
    start_timeout_s: ClassVar[float] = 120.0  # a Java program on a busy machine

    def __init__(self, port: int | None = None) -> None:
        """Use `port`, or a free one; the controller's port is always a free one."""
        super().__init__(port)
        self._controller_port = free_port()

    @property
    def url(self) -> str:
        """`KAFKA_BOOTSTRAP_SERVERS`."""
        return self.address

    def prepare(self) -> None:
        """Write the properties and format the storage."""
        properties = self.home / "server.properties"
        properties.write_text(
            PROPERTIES.format(
                host=HOST,
                port=self.port,
                controller_port=self._controller_port,
                data=self.home / "data",
            )
        )
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One id in 64 begins with "-", which the tool would take for an option of its own.
        identity = f"--cluster-id={cluster_id}"
        format_storage = ["format", "--standalone", identity, "-c", str(properties)]
        self.run_tool([*_java(), "kafka.tools.StorageTool", *format_storage])

    def command(self) -> Sequence[str]:
        """Return the command line."""
        return [*_java(), "kafka.Kafka", str(self.home / "server.properties")]

    def is_ready(self) -> bool:
        """Whether the broker lists itself as a member of its cluster."""
        return lists_a_broker(self.port)


def _java() -> Sequence[str]:
    return [
        java(),
        "-Xms256m",
        "-Xmx512m",
        # A short-lived process on few cores: fast compilation matters more than fast code.
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{libraries(JARS)}/*",
    ]


@cache
def java() -> str:
    """Return the path of java; raise ServerError when it is missing or too old."""
    path = shutil.which("java")
    if path is None:
        raise ServerError(JAVA_MISSING)
    result = subprocess.run(
        [path, "-version"], capture_output=True, text=True, check=False, timeout=60
    )
    version = re.search(r'version "(\d+)', result.stderr + result.stdout)
    if version is None or int(version[1]) < JAVA_VERSION_MIN:
        raise ServerError(JAVA_MISSING)
    return path
