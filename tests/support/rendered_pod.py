"""A pod of the chart as a process of this machine: its command, arguments, environment, probes.

What is replaced, because all pods share one machine: the two ports, and the folder /tmp.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from local.servers.ports import free_port
from tests.support.helm import container, plain, referred
from tests.support.paths import ROOT
from tests.support.programs import Program, running_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

METRICS_PORT = "METRICS_PORT"
# The address at which servers of this machine see it; a pod's name leads to the pod's own.
AS_KAFKA_SEES_IT = (
    "import runpy, socket, sys; socket.gethostname = lambda: '127.0.0.1'; "
    "sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


class RenderedPod:
    """What the kubelet would run, and ask."""

    def __init__(
        self, pod: dict[str, Any], secrets: Mapping[str, Mapping[str, str]], folder: Path
    ) -> None:
        """secrets: what each Secret of the cluster has, by its name and key."""
        self._container = container(pod)
        self._folder = folder
        self.ports = {
            port["name"]: (port["containerPort"], free_port())
            for port in self._container.get("ports", [])
        }
        taken = {name: secrets[where[0]][where[1]] for name, where in referred(pod).items()}
        self.environment = {name: self._here(text) for name, text in plain(pod).items()} | taken

    @property
    def command(self) -> list[str]:
        """The command and its arguments, with this interpreter in place of the image's."""
        words = [*self._container["command"], *self._container["args"]]
        return self._python([self._here(word) for word in words])

    @contextmanager
    def running(self) -> Iterator[Program]:
        """Run it with nothing in its environment but what the chart gives, and a path."""
        with running_command(*self._alone(), *self.command, environment={}) as program:
            yield program

    def asked(self, probe: str) -> str:
        """Return what is wrong by a probe; nothing where it succeeds."""
        how = self._container[probe]
        if "exec" in how:
            module, *words = map(self._here, how["exec"]["command"][2:])
            command = [sys.executable, "-c", AS_KAFKA_SEES_IT, module, *words]
            done = subprocess.run(
                [*self._alone(), *command],
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
                timeout=60,
            )
            return "" if done.returncode == 0 else done.stderr or "it failed"
        port = self.ports[how["httpGet"]["port"]][1]
        return get(port, how["httpGet"]["path"])

    def _alone(self) -> list[str]:
        given = [f"{name}={text}" for name, text in self.environment.items()]
        return ["env", "-i", "PATH=/usr/bin:/bin", *given]

    def _python(self, words: list[str]) -> list[str]:
        assert words[:2] == ["python", "-m"]
        return [sys.executable, *words[1:]]

    def _here(self, text: str) -> str:
        for name, (there, here) in self.ports.items():
            if text in {str(there), f"--port={there}"}:
                assert name in {"http", "metrics"}
                return text.replace(str(there), str(here))
        return text.replace("/tmp/", f"{self._folder}/")  # noqa: S108 - of the pod


def get(port: int, path: str) -> str:
    """Return what is wrong with a GET of this machine; nothing for an answer of 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return "" if answer.status == 200 else str(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)
    except OSError as error:
        return str(error)
