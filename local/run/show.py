"""One run: servers and programs, a campaign, a crowd if asked for, and a line a second."""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.text import Text

from handlers import wiring
from handlers.domain.errors import ServiceError
from local.harness.deployment import DeploymentOptions, running_deployment
from local.harness.processes import HarnessError
from local.run.campaign import create
from local.run.crowd_process import CrowdProcess, running_crowd
from local.run.live_line import LiveLine
from local.run.look import line, look
from local.servers.ports import is_free

if TYPE_CHECKING:
    from local.harness.console import Console
    from local.harness.deployment import Deployment
    from local.run.look import Look
    from local.run.options import RunOptions

# For servers and programs that start, on a busy machine.
WAIT_S = 60.0
LOOK_EVERY_S = 1.0


def show(options: RunOptions, screen: Console) -> bool:
    """Run everything until Ctrl-C or --for; return whether no promise was broken."""
    if options.port and not is_free(options.port):
        message = (
            f"port {options.port} is taken by another program: stop that one, "
            'or choose another port, as in make run ARGS="--port 8010"'
        )
        raise HarnessError(message)
    wanted = DeploymentOptions(
        options.servers, options.kafka, options.out, WAIT_S, options.port or None
    )
    with ExitStack() as stack:
        deployment = stack.enter_context(running_deployment(wanted, screen))
        # This process looks at the campaign through the service's own clients.
        os.environ.update(deployment.environment)
        stack.callback(wiring.reset)
        campaign_id = create(deployment.api, options, deployment.settings.auth_jwt_secret)
        crowd = stack.enter_context(running_crowd(options, deployment, campaign_id, WAIT_S))
        watch = Watch(deployment, campaign_id, crowd, screen)
        # The first look imports the clients. Python takes a Ctrl-C that comes while an import makes
        # a dataclass for one that no code handles, and dies of it at the very end.
        look(campaign_id)
        try:
            _print_addresses(deployment, campaign_id, options, screen)
            watch.until(options.run_s)
        except KeyboardInterrupt:
            return watch.was_kept  # it was ready: this is how a run ends
    return watch.was_kept


class Watch:
    """Everything is ready: what happens until the end.

    was_kept: no promise is known to be broken.
    """

    def __init__(
        self, deployment: Deployment, campaign_id: str, crowd: CrowdProcess | None, screen: Console
    ) -> None:
        self.was_kept = True
        self._deployment = deployment
        self._campaign_id = campaign_id
        self._crowd = crowd
        self._screen = screen
        self._before: Look | None = None

    def until(self, run_s: float | None) -> None:
        """Show a line a second for `run_s`, with a crowd until its summary; None: without end.

        Raises HarnessError or ServerError, with the end of its log, when a program has ended.
        """
        due_s = time.monotonic()
        end_s = math.inf if run_s is None else due_s + run_s
        pause = threading.Event()
        with LiveLine(self._screen.console) as live:
            while self._crowd or time.monotonic() < end_s:
                self._deployment.check()
                self._show_line(live)
                self._show_summary()
                due_s = max(due_s + LOOK_EVERY_S, time.monotonic())
                pause.wait(due_s - time.monotonic())

    def _show_line(self, live: LiveLine) -> None:
        try:
            now = look(self._campaign_id)
        except ServiceError as error:
            live.show(Text(str(error), "red"), stays=False)
            return
        before, self._before = self._before or now, now
        is_new = before is now or before.status.state is not now.status.state
        live.show(line(now, before), stays=is_new)

    def _show_summary(self) -> None:
        """Print what became of the crowd, once it is known."""
        if self._crowd and (result := self._crowd.result()):
            self._crowd = None
            self.was_kept = result.was_kept
            self._screen.console.print(result.text)


def _print_addresses(
    deployment: Deployment, campaign_id: str, options: RunOptions, screen: Console
) -> None:
    url = deployment.api.url
    lines = (
        ("event page", f"{url}/events/{campaign_id}", "sign in under any name, for example kim"),
        ("console", f"{url}/console", "sign in under any name: here each may be an administrator"),
        ("interface", f"{url}/docs", "every call of the API"),
        ("logs", f"{options.out / 'logs'}", "of each program"),
    )
    for name, where, what in lines:
        text = Text.assemble(f"{name:<10}  ", (f"{where}", "bold"), (f"  {what}", "dim"))
        screen.console.print(text, soft_wrap=True)
    if options.people:
        screen.say(f"{options.people:,} people apply with you at the opening")
    screen.say("Ctrl-C ends everything")
