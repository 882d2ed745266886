"""Servers, gateway and consumers: started for the run, or running already."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from handlers.config import MIGRATION_DATABASE, Settings
from handlers.retry import RetryDeadline
from local.harness import compose
from local.harness.api_client import Api, NotReadyError
from local.harness.consumer_group import NotAssignedError, check_group, check_runners
from local.harness.processes import HarnessError, Program, Running, running
from local.migrate import migrate
from local.servers.embedded import chosen_servers
from local.servers.ports import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from local.harness.console import Console
    from local.servers.embedded import KafkaKind, Stack
    from local.servers.embedded import Servers as StackServers

POLL_RUNNERS = 2
# Lambda's half a second would be most of the time until the rows are stored: a hundred coupons,
# shared by two runners, never fill a batch.
BATCH_WINDOW_MS = 50
Servers = Literal["auto", "compose", "embedded", "env"]
RESEND_AFTER_S = "2"  # the relay's usual half minute is too long for a demo
RELAY_INTERVAL_S = 1


@dataclass(frozen=True, slots=True)
class DeploymentOptions:
    """Which servers to use, where programs log to, and how long to wait for each of them.

    port: the gateway's; None for a free one.
    """

    servers: Servers
    kafka: KafkaKind
    out: Path
    wait_s: float
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running system, ready for requests.

    environment: of its programs. stack: the servers where they were started for this run.
    """

    kind: str  # for the summary: where the servers come from
    api: Api
    settings: Settings
    programs: Sequence[Running]
    relay_within_s: float  # after this time a pending admission has been sent to Kafka again
    environment: Mapping[str, str] = field(default_factory=dict)
    stack: Stack | None = None

    def check(self) -> None:
        """Raise HarnessError or ServerError when a program of this deployment has ended."""
        if self.stack:
            self.stack.check()
        for program in self.programs:
            program.check()


@contextmanager
def running_deployment(options: DeploymentOptions, screen: Console) -> Iterator[Deployment]:
    """Yield a deployment that is ready; stop everything that was started after the block."""
    with ExitStack() as stack:
        if options.servers == "compose":
            yield _find_containers(options, screen)
        else:
            yield _start_programs(stack, options, options.servers, screen)
            # This is quick, but the operator should see what the program is doing.
            screen.say("stopping what was started …")


def _find_containers(options: DeploymentOptions, screen: Console) -> Deployment:
    """Find the containers of `make up`. It starts and migrates nothing."""
    values = compose.read_values()
    settings = Settings.from_environment(compose.settings_of(values))
    api = Api(*compose.api_address(values))
    with screen.step("Containers of `make up`") as report:
        deadline = RetryDeadline(options.wait_s, report)
        _wait_until_ready(deadline, api, (), "the API of `make up`")
        deadline.retry_until_ready("the consumer group", lambda: check_group(settings), _is_joining)
    return Deployment("containers", api, settings, (), compose.RELAY_WITHIN_S)


def _start_programs(
    stack: ExitStack, options: DeploymentOptions, servers: StackServers, screen: Console
) -> Deployment:
    """Start the servers if the settings name none, and always the programs."""
    with screen.step("Redis, Kafka, MySQL") as report:
        environment, embedded = stack.enter_context(chosen_servers(servers, options.kafka, report))
        settings = Settings.from_environment(environment)
        _check_settings(settings)
        migrate(settings, RetryDeadline(options.wait_s, report))
        # As in a production: the programs do not know the user that owns the tables.
        for name in MIGRATION_DATABASE:
            environment.pop(name, None)
    with screen.step("Gateway and poll runners") as report:
        api = Api(HOST, options.port or free_port())
        programs = _programs(api, options.out / "logs")
        environment.setdefault("PENDING_RESEND_AFTER_S", RESEND_AFTER_S)
        started = stack.enter_context(running(programs, environment))
        deadline = RetryDeadline(options.wait_s, report)
        _wait_until_ready(deadline, api, started)
        deadline.retry_until_ready(
            "the partition assignment", lambda: check_runners(started[-POLL_RUNNERS:]), _is_joining
        )
    kind = "embedded" if embedded else "settings"
    relay_within_s = relay_time_s(Settings.from_environment(environment))
    return Deployment(kind, api, settings, started, relay_within_s, environment, embedded)


def relay_time_s(settings: Settings) -> float:
    """Return after which time a relay of this harness has sent a pending admission again."""
    return settings.pending_resend_after_s + RELAY_INTERVAL_S


def _check_settings(settings: Settings) -> None:
    """Raise HarnessError outside of the local stage, or without a secret to sign tokens."""
    if settings.stage != "local":
        message = f"a demo writes to the servers: it runs with STAGE=local, not {settings.stage}"
        raise HarnessError(message)
    if not settings.auth_jwt_secret:
        message = "the demo signs the users' tokens: set AUTH_JWT_SECRET, not AUTH_JWKS_URL"
        raise HarnessError(message)


def _programs(api: Api, logs: Path) -> Sequence[Program]:
    """Return the gateway, the scheduler, and the poll runners last."""
    logs.mkdir(parents=True, exist_ok=True)
    # All simulated users come from one address.
    address = ("--host", api.host, "--port", str(api.port), "--connections-per-address", "0")
    names = [f"poll-runner-{number}" for number in range(1, POLL_RUNNERS + 1)]
    window = ("--batch-window-ms", str(BATCH_WINDOW_MS))
    relay = ("--interval-s", str(RELAY_INTERVAL_S))
    return [
        Program("gateway", "local.serve", address, logs / "gateway.log"),
        # Resends records that Kafka did not acknowledge in time, as may happen on a busy machine.
        Program("scheduler", "local.scheduler", relay, logs / "scheduler.log"),
        *(Program(name, "local.poll_runner", window, logs / f"{name}.log") for name in names),
    ]


def _wait_until_ready(
    deadline: RetryDeadline, api: Api, programs: Sequence[Running], name: str = "the API"
) -> None:
    def check() -> None:
        for program in programs:
            program.check()
        api.check_ready()

    deadline.retry_until_ready(name, check, lambda error: isinstance(error, NotReadyError))


def _is_joining(error: Exception) -> bool:
    return isinstance(error, NotAssignedError)
