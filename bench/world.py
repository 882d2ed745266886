"""Servers and programs of one case, fresh for it and gone after it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.migration.patience import Patience
from handlers.config import Settings
from local.demonstration.api import Api, NotReadyError
from local.demonstration.programs import Program, running
from local.embedded import running_stack
from local.migrate import migrate
from local.servers.ports import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WAIT_S = 60.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class World:
    """Migrated servers, and a folder for logs and other files."""

    environment: Mapping[str, str]
    settings: Settings
    folder: Path

    @contextmanager
    def gateway(self, application: str = "local.gateway:application") -> Iterator[Api]:
        """Run `local.serve` with an RSGI application, and whatever else is its default."""
        api = Api(HOST, free_port())
        log = self.folder / f"{application.replace(':', '-')}.log"
        arguments = ("--port", str(api.port), "--workers", str(WORKERS))
        program = Program(
            application, "local.serve", (*arguments, "--application", application), log
        )
        with running([program], self.environment) as [started]:

            def ask() -> None:
                started.check()
                if b"listening on" not in log.read_bytes():
                    message = f"{application} does not listen yet"
                    raise NotReadyError(message)

            patience = Patience(WAIT_S, lambda _: None)
            patience.until_answered(
                application, ask, lambda error: isinstance(error, NotReadyError)
            )
            yield api

    def campaign(self, api: Api, quantity: int) -> str:
        """Create an open campaign; return its id."""
        return api.create_campaign(quantity, self.settings.auth_jwt_secret)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Run the embedded servers; this process's own handlers use them, too."""
    folder.mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    with running_stack() as stack:
        try:
            os.environ.update(stack.settings)
            settings = Settings.from_environment()
            migrate(settings, Patience(WAIT_S, lambda _: None))
            yield World(dict(os.environ), settings, folder)
        finally:
            wiring.reset()
            os.environ.clear()
            os.environ.update(before)
