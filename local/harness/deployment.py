"""Servers, gateway and consumers: started for the demo, or those that run already."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.harness import compose
from local.harness.api_client import Api, NotReadyError
from local.harness.consumer_group import NotAssignedError, check_group, check_runners
from local.harness.processes import HarnessError, Program, Running, running
from local.migrate import migrate
from local.servers.embedded import environment_or_embedded
from local.servers.ports import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from local.harness.console import Console
    from local.servers.embedded import KafkaKind
    from local.servers.embedded import Servers as StackServers

POLL_RUNNERS = 2
# In place of Lambda's half a second, which would be most of the time until the rows are there: a
# hundred coupons, shared by two runners, never fill a batch.
BATCH_WINDOW_MS = 50
Servers = Literal["auto", "compose", "embedded", "env"]
RESEND_AFTER_S = "2"  # nobody watches a demo for the relay's usual half minute


@dataclass(frozen=True, slots=True)
class DeploymentOptions:
    """Whose servers are used, where programs log to, and how long to wait for each of them."""

    servers: Servers
    kafka: KafkaKind
    out: Path
    wait_s: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that the crowd needs, ready for it."""

    kind: str  # for people: whose servers these are
    api: Api
    settings: Settings
    programs: Sequence[Running]

    def check(self) -> None:
        """Raise HarnessError when one of our programs has ended."""
        for program in self.programs:
            program.check()


@contextmanager
def surroundings(options: DeploymentOptions, screen: Console) -> Iterator[Deployment]:
    """Yield ready surroundings; whatever was started is stopped after the block."""
    with ExitStack() as stack:
        if options.servers == "compose":
            yield _containers(options, screen)
        else:
            yield _own_programs(stack, options, options.servers, screen)
            # Quick as it is, nobody should wonder what a silent program is doing.
            screen.say("stopping what was started …")


def _containers(options: DeploymentOptions, screen: Console) -> Deployment:
    """Find the containers of `make up`. Nothing is started, nothing migrated."""
    values = compose.read_values()
    settings = Settings.from_environment(compose.settings_of(values))
    api = Api(*compose.api_address(values))
    with screen.step("Containers of `make up`") as report:
        patience = RetryDeadline(options.wait_s, report)
        _wait_until_ready(patience, api, (), "the API of `make up`")
        patience.retry_until_ready("the consumers' group", lambda: check_group(settings), _joining)
    return Deployment("containers", api, settings, ())


def _own_programs(
    stack: ExitStack, options: DeploymentOptions, servers: StackServers, screen: Console
) -> Deployment:
    """Start what is missing: servers where the settings name none, and always the programs."""
    with screen.step("Redis, Kafka, MySQL") as report:
        environment = stack.enter_context(environment_or_embedded(servers, options.kafka, report))
        settings = Settings.from_environment(environment)
        _refuse_strangers(settings)
        migrate(settings, RetryDeadline(options.wait_s, report))
    with screen.step("Gateway and poll runners") as report:
        api = Api(HOST, free_port())
        programs = _programs(api, options.out / "logs")
        environment.setdefault("PENDING_RESEND_AFTER_S", RESEND_AFTER_S)
        started = stack.enter_context(running(programs, environment))
        patience = RetryDeadline(options.wait_s, report)
        _wait_until_ready(patience, api, started)
        patience.retry_until_ready(
            "a place in the group", lambda: check_runners(started[-POLL_RUNNERS:]), _joining
        )
    embedded = environment.get("REDIS_URL") != os.environ.get("REDIS_URL")
    return Deployment("embedded" if embedded else "settings", api, settings, started)


def _refuse_strangers(settings: Settings) -> None:
    """Raise HarnessError where a demo has no business, or could not sign its tokens."""
    if settings.stage != "local":
        message = f"a demo writes to the servers: it runs with STAGE=local, not {settings.stage}"
        raise HarnessError(message)
    if not settings.auth_jwt_secret:
        message = (
            "the crowd's tokens are signed by the demo: set AUTH_JWT_SECRET, not AUTH_JWKS_URL"
        )
        raise HarnessError(message)


def _programs(api: Api, logs: Path) -> Sequence[Program]:
    """Return the gateway, the scheduler, and the poll runners last."""
    logs.mkdir(parents=True, exist_ok=True)
    address = ("--host", api.host, "--port", str(api.port))
    names = [f"poll-runner-{number}" for number in range(1, POLL_RUNNERS + 1)]
    window = ("--batch-window-ms", str(BATCH_WINDOW_MS))
    return [
        Program("gateway", "local.serve", address, logs / "gateway.log"),
        # Sends what Kafka did not acknowledge in time, as it may be on a busy machine.
        Program("scheduler", "local.scheduler", ("--interval-s", "1"), logs / "scheduler.log"),
        *(Program(name, "local.poll_runner", window, logs / f"{name}.log") for name in names),
    ]


def _wait_until_ready(
    patience: RetryDeadline, api: Api, programs: Sequence[Running], name: str = "the API"
) -> None:
    def ask() -> None:
        for program in programs:
            program.check()
        api.check_ready()

    patience.retry_until_ready(name, ask, lambda error: isinstance(error, NotReadyError))


def _joining(error: Exception) -> bool:
    return isinstance(error, NotAssignedError)
