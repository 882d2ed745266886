"""Keycloak, an OpenID Connect issuer, from Maven's repository: to try the pages' sign-in with.

Two people of its realm sign in with their name as password: buyer, and manager, who is an
administrator.
"""

from __future__ import annotations

import json
import subprocess
import zipfile
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, ClassVar

from local.servers.apache_kafka import java
from local.servers.maven import ROOT, Download, libraries
from local.servers.ports import HOST
from local.servers.process import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

REALM = ROOT / "local" / "keycloak" / "realm.json"
REALM_NAME, CLIENT_ID, AUDIENCE = "seonchak", "seonchak-pages", "seonchak"
# In memory: what it knows is the realm that it reads at its start.
BUILD = ("build", "--db=dev-mem", "--cache=local", "--features-disabled=kerberos")
PROBE_TIMEOUT_S = 5.0
OK = 200
# What the distribution's own script gives to Java, and fast compilation before fast code.
JAVA_OPTIONS = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
)


def realm(origin: str) -> dict[str, Any]:
    """Return the realm of local/keycloak/realm.json for pages on `origin`."""
    text = REALM.read_text(encoding="utf-8").replace("ORIGIN", origin)
    found: dict[str, Any] = json.loads(text)
    return found


class Keycloak(Server):
    """One realm in memory. `url` is the issuer."""

    name: str = "Keycloak"
    start_timeout_s: ClassVar[float] = 240.0  # a large Java program on a busy machine

    def __init__(self, realm_of_pages: Mapping[str, Any], port: int | None = None) -> None:
        """Take the realm as Keycloak imports it."""
        super().__init__(port)
        self._realm = realm_of_pages

    @property
    def url(self) -> str:
        """`AUTH_ISSUER`."""
        return f"http://{self.address}/realms/{REALM_NAME}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a service with STAGE=local whose pages sign people in here."""
        return {
            "AUTH_JWT_SECRET": "",  # of three settings that say who signs, one is set
            "AUTH_JWKS_URL": f"{self.url}/protocol/openid-connect/certs",
            "AUTH_ISSUER": self.url,
            "AUTH_AUDIENCE": AUDIENCE,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_SCOPE": "openid coupon:admin",
        }

    def prepare(self) -> None:
        """Write the realm where Keycloak imports it from."""
        folder = self.home / "data" / "import"
        folder.mkdir(parents=True)
        (folder / "realm.json").write_text(json.dumps(self._realm), encoding="utf-8")
        (self.home / "conf").mkdir()
        (self.home / "lib").symlink_to(fetch() / "lib")

    def command(self) -> Sequence[str]:
        """Return the command line."""
        options = (
            f"--http-host={HOST}",
            f"--http-port={self.port}",
            f"--hostname=http://{self.address}",
            "--http-enabled=true",
            "--import-realm",
        )
        return [*_java(fetch(), self.home), "start", "--optimized", *options]

    def is_ready(self) -> bool:
        """Whether it serves the realm's discovery document."""
        connection = HTTPConnection(HOST, self.port, timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", f"/realms/{REALM_NAME}/.well-known/openid-configuration")
            return connection.getresponse().status == OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def _java(distribution: Path, home: Path) -> Sequence[str]:
    return [
        java(),
        *JAVA_OPTIONS,
        f"-Dkc.home.dir={home}",
        f"-Djboss.server.config.dir={home}/conf",
        "-cp",
        str(distribution / "lib" / "quarkus-run.jar"),
        "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
    ]


def fetch() -> Path:
    """Return Keycloak's folder; fetch and build it first where it is missing: a minute."""
    [found] = libraries(DOWNLOAD).glob("keycloak-*/")
    return found


def _unpack(folder: Path) -> None:
    """Unpack the distribution and build it: what it does once, and not at each start."""
    [archive] = folder.glob("*.zip")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)  # names that lead out of the folder are cut by the library
    archive.unlink()
    [distribution] = folder.glob("keycloak-*/")
    result = subprocess.run(
        [*_java(distribution, distribution), *BUILD], capture_output=True, text=True, check=False
    )
    if result.returncode:
        message = f"Keycloak could not be built:\n{(result.stdout + result.stderr)[-2000:]}"
        raise ServerError(message)


DOWNLOAD = Download("Keycloak", "keycloak", 170, _unpack)
