"""The containers' health checks: a server is ready, a consumer in its group, a scheduler runs.

Used by local/docker-compose.yml and the Helm chart, because the image has no curl.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.config import ConfigurationError, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Below the shortest `timeout` of a health check in local/docker-compose.yml (8 s), so that the
# reason is printed before Docker ends the check.
READY_TIMEOUT_S = 5.0
# A run every minute that may take a minute, and one more that was late.
HEARTBEAT_AGE_S_MAX = 180


class UnhealthyError(Exception):
    """The checked program does not work; the message says why."""


def check_ready(url: str) -> None:
    """Raise UnhealthyError unless a GET of `url` returns a 2xx."""
    if not url.startswith(("http://", "https://")):
        message = f"not an http(s) address: {url}"
        raise UnhealthyError(message)
    try:
        with urllib.request.urlopen(url, timeout=READY_TIMEOUT_S):  # noqa: S310 - checked above
            return
    except urllib.error.HTTPError as error:
        with error:
            message = f"{url} returned {error.code}: {error.read(500).decode(errors='replace')}"
        raise UnhealthyError(message) from error
    except OSError as error:
        message = f"{url} does not respond: {error}"
        raise UnhealthyError(message) from error


def check_group_member(environment: Mapping[str, str]) -> None:
    """Raise UnhealthyError unless a consumer from this host is in the consumer group.

    A check of the process alone would pass for a consumer that runs but was removed from its
    group, because a batch took longer than the poll interval.
    """
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415 - 190 ms that /ready needs not pay
    from kafka.errors import KafkaError  # noqa: PLC0415

    from handlers.adapters.kafka.connection import connection_options  # noqa: PLC0415

    settings = Settings.from_environment(environment)
    group = settings.consumer_group
    try:
        client = KafkaAdminClient(**connection_options(settings))
        try:
            members = client.describe_groups([group])[group]["members"]
        finally:
            client.close()
    except (KafkaError, ValueError) as error:  # ValueError: a reply that kafka-python cannot read
        message = f"Kafka gives no reply about {group}: {error}"
        raise UnhealthyError(message) from error
    if not is_member(members, own_addresses()):
        message = f"no member of {group} runs on this host"
        raise UnhealthyError(message)


def check_heartbeat(file: Path, now: float) -> None:
    """Raise UnhealthyError unless `file` was touched within HEARTBEAT_AGE_S_MAX before `now`."""
    try:
        age_s = now - file.stat().st_mtime
    except FileNotFoundError as error:
        message = f"{file} is missing: not every function has been seen yet"
        raise UnhealthyError(message) from error
    if age_s > HEARTBEAT_AGE_S_MAX:
        message = f"a scheduled function was last seen {age_s:.0f} s ago"
        raise UnhealthyError(message)


def is_member(members: Iterable[Mapping[str, Any]], addresses: frozenset[str]) -> bool:
    """Return whether one of the group's `members` connected from one of `addresses`."""
    # Java's InetAddress prints "name/address", mostly without the name: "/172.18.0.7".
    return any(member["client_host"].rpartition("/")[2] in addresses for member in members)


def own_addresses() -> frozenset[str]:
    """Return the addresses of this host's own name."""
    return frozenset(str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check that the command line names; 0 is healthy, 1 is not."""
    parser = argparse.ArgumentParser(prog="python -m local.healthcheck", description=__doc__)
    checks = parser.add_mutually_exclusive_group(required=True)
    checks.add_argument("url", nargs="?", help="healthy when a GET of it returns a 2xx")
    checks.add_argument(
        "--group-member",
        action="store_true",
        help="healthy when a consumer on this host is in CONSUMER_GROUP (reads the settings)",
    )
    checks.add_argument(
        "--heartbeat",
        type=Path,
        metavar="FILE",
        help="healthy when local.scheduler --heartbeat FILE has seen all its functions lately",
    )
    options = parser.parse_args(arguments)
    try:
        if options.group_member:
            check_group_member(os.environ)
        elif options.heartbeat:
            check_heartbeat(options.heartbeat, time.time())
        else:
            check_ready(options.url)
    except (UnhealthyError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
