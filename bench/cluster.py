"""Servers and programs of one case: started for it, removed after it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.programs import GATEWAY, KAFKA, MYSQL, REDIS
from handlers import wiring
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.harness.api_client import Api, NotReadyError
from local.harness.processes import Program, running
from local.migrate import migrate
from local.servers import Valkey
from local.servers.embedded import running_stack
from local.servers.mariadb import PROGRAM_VARIABLE
from local.servers.ports import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from local.servers.embedded import Stack

WAIT_S = 60.0
WORKERS = 2
APPLICATION = "local.gateway.app:application"


@dataclass(frozen=True, slots=True)
class RunningGateway(Api):
    """A running HTTP interface."""

    programs: Mapping[str, int]  # process ids by name: its own and its servers'


@dataclass(frozen=True, slots=True)
class Cluster:
    """Migrated servers, and a folder for logs and other files."""

    environment: Mapping[str, str]
    settings: Settings
    folder: Path
    servers: Mapping[str, int]  # process ids by name

    @contextmanager
    def gateway(
        self,
        application: str = APPLICATION,
        *,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[RunningGateway]:
        """Run `local.serve` with an RSGI application, and default options but `options`.

        environment: what its environment has besides.
        """
        port = free_port()
        log = self.folder / f"{application.replace(':', '-')}-{port}.log"
        arguments = f"--port {port} --workers {WORKERS} --application {application}".split()
        arguments += options

        def check_ready() -> None:
            if b"listening on" not in log.read_bytes():
                message = f"{application} does not listen yet"
                raise NotReadyError(message)

        program = Program(application, "local.serve", (*arguments,), log)
        with self._serving(program, check_ready, environment) as pid:
            yield RunningGateway(HOST, port, {GATEWAY: pid, **self.servers})

    @contextmanager
    def chalice_local(self) -> Iterator[RunningGateway]:
        """Run `chalice local` with a developer's options."""
        api = Api(HOST, free_port())
        arguments = f"local --stage local --port {api.port} --no-autoreload".split()
        log = self.folder / "chalice-local.log"
        program = Program("chalice local", "bench.chalice_command", (*arguments,), log)
        with self._serving(program, lambda: api.call("GET", "/health")) as pid:
            yield RunningGateway(api.host, api.port, {GATEWAY: pid, **self.servers})

    @contextmanager
    def _serving(
        self,
        program: Program,
        check_ready: Callable[[], object],
        more: Mapping[str, str] | None = None,
    ) -> Iterator[int]:
        """Run a program; once `check_ready` stops raising NotReadyError, yield its process id."""
        with running([program], {**self.environment, **(more or {})}) as [started]:

            def attempt() -> None:
                started.check()
                check_ready()

            RetryDeadline(WAIT_S, lambda _: None).retry_until_ready(
                program.name, attempt, lambda error: isinstance(error, NotReadyError)
            )
            yield started.pid

    def campaign(self, api: Api, quantity: int) -> str:
        """Create an open campaign; return its id."""
        return api.create_campaign(quantity, self.settings.auth_jwt_secret)


@contextmanager
def cluster(folder: Path, database: Path | None = None) -> Iterator[Cluster]:
    """Run the embedded servers; this process's own handlers use them, too.

    database: the server program in place of the system's MariaDB or MySQL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _same_environment_afterwards():
        if database:
            os.environ[PROGRAM_VARIABLE] = str(database)
        with running_stack() as stack:
            os.environ.update(stack.settings)
            settings = Settings.from_environment()
            migrate(settings, RetryDeadline(WAIT_S, lambda _: None))
            try:
                yield Cluster(dict(os.environ), settings, folder, _process_ids(stack))
            finally:
                wiring.reset()


@contextmanager
def _same_environment_afterwards() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _process_ids(stack: Stack) -> dict[str, int]:
    assert isinstance(stack.valkey, Valkey)  # noqa: S101 - no cluster is benchmarked
    return {REDIS: stack.valkey.pid, KAFKA: stack.kafka.pid, MYSQL: stack.mariadb.pid}
