"""The baseline of bench/java: the naive sequence as a Java service does it, with Spring Boot."""

from __future__ import annotations

import shutil
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from local.servers.apache_kafka import java
from local.servers.maven import Download, libraries
from local.servers.ports import HOST
from local.servers.process import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCES = Path(__file__).with_name("java") / "src" / "main"
PROBE_TIMEOUT_S = 5.0
# A heap that is never the limit and has its size from the start, and the collector that takes the
# least of the processors; the just-in-time compilers as they come.
JAVA_OPTIONS = ("-Xms512m", "-Xmx512m", "-XX:+UseParallelGC")
COMPILER_MISSING = (
    "javac, Java's compiler, is needed: install it "
    "(Debian, Ubuntu: apt-get install openjdk-17-jdk-headless; macOS: brew install openjdk)"
)


class JavaService(Server):
    """The service of bench/java, on the servers that the environment names."""

    name: str = "the Java baseline"
    start_timeout_s: ClassVar[float] = 240.0  # Spring on a busy machine

    @property
    def url(self) -> str:
        """Where it takes applications."""
        return f"http://{self.address}"

    def prepare(self) -> None:
        """Compile it."""
        options = f"-parameters -Xlint:all -Werror --release 17 -d {self._classes} -cp".split()
        sources = map(str, sorted(SOURCES.rglob("*.java")))
        self.run_tool([_compiler(), *options, f"{fetch()}/*", *sources])

    def command(self) -> Sequence[str]:
        """Return the command line."""
        jars, resources = fetch(), SOURCES / "resources"
        return [
            java(),
            *JAVA_OPTIONS,
            "-cp",
            f"{self._classes}:{resources}:{jars}/*",
            "seonchak.Application",
            f"--server.address={HOST}",
            f"--server.port={self.port}",
        ]

    def is_ready(self) -> bool:
        """Whether it answers HTTP, whatever it says of a path that it does not have."""
        connection = HTTPConnection(HOST, self.port, timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", "/")
            return bool(connection.getresponse().status)
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _classes(self) -> Path:
        return self.home / "classes"


def fetch() -> Path:
    """Return the folder of its libraries, fetched through Maven where they are missing.

    Raises ServerError, which names what is missing, without Java, its compiler or Maven.
    """
    java()
    _compiler()
    return libraries(JARS)


def _compiler() -> str:
    path = shutil.which("javac")
    if path is None:
        raise ServerError(COMPILER_MISSING)
    return path


JARS = Download("the Java baseline", "java", 55, parent="bench")
