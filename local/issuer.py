"""Runs Keycloak as the issuer for the pages of a gateway on this machine, until Ctrl-C.

It prints the settings with which that gateway signs people in there. Two people can: buyer, and
manager, who is an administrator; the password is the name. Needs Java 17 or later, and Maven, which
fetches 170 MB once.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from local.cli import port
from local.harness.signals import SignalHandler
from local.servers.keycloak import Keycloak, fetch, realm
from local.servers.process import ServerError
from local.stack import exports

if TYPE_CHECKING:
    from collections.abc import Sequence

ORIGIN_DEFAULT = "http://127.0.0.1:8000"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 when it was stopped after it was ready."""
    options = _parser().parse_args(arguments)
    signals = SignalHandler()
    signals.install()
    ready = False
    try:
        if options.fetch:
            fetch()
            return 0
        with Keycloak(realm(options.origin), options.port) as keycloak:
            ready = True  # before the output: the reader may stop this program at once
            print(exports(keycloak.settings), end="", flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0 if ready else signals.exit_code
    except (ServerError, OSError) as error:
        print(f"issuer: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.issuer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--origin", default=ORIGIN_DEFAULT, help=f"where the pages are (default: {ORIGIN_DEFAULT})")
    add("--port", type=port, help="of Keycloak (default: a free one)")
    add("--fetch", action="store_true", help="fetch and build Keycloak if need be; no start")
    return parser


if __name__ == "__main__":
    sys.exit(main())
