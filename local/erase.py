"""Erase a user everywhere: coupons stay, and belong to a keyed hash of the id.

The same as DELETE /users/{user_id}. May be repeated; run it again where it ended early.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from handlers import privacy_clients, wiring
from handlers.config import ConfigurationError
from handlers.domain.errors import ServiceError
from handlers.domain.identifiers import is_user_id
from local.cli import EXIT_MISCONFIGURED, end

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_NOT_ERASED, EXIT_INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 erased, 1 not everywhere, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    try:
        wiring.settings()
        campaigns = privacy_clients.eraser().erase(options.user, options.actor)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except ServiceError as error:
        return end(f"Not erased everywhere; run it again later. {error}", EXIT_NOT_ERASED)
    except KeyboardInterrupt:
        return end("Interrupted: not erased everywhere; run it again.", EXIT_INTERRUPTED)
    print(f"Erased: {campaigns} campaigns had the user. The topic's retention erases the rest.")
    return 0


def user_id(text: str) -> str:
    """Return the id of a user."""
    if not is_user_id(text):
        message = "not a user id: 1 to 64 printable ASCII characters without a space"
        raise argparse.ArgumentTypeError(message)
    return text


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"[:64]
    except (KeyError, OSError):  # a container's user may have no name
        return "cli"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.erase",
        description=__doc__,
        epilog="Exit code: 0 erased, 1 not everywhere (a server is unreachable, a campaign is being"
        " rebuilt, or a record of the user is still to be written), 2 wrong settings or arguments."
        " Settings come from the environment.",
    )
    parser.add_argument("--user", type=user_id, required=True, metavar="ID", help="the user's id")
    parser.add_argument(
        "--actor",
        type=user_id,
        default=_actor(),
        metavar="NAME",
        help="who erases, for the events (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
