"""The rendered pods as processes on real servers: migrate, apply, the row, the probes, the end."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest
import yaml

from local.dev_settings import DEVELOPMENT_SETTINGS
from local.servers.ports import free_port
from tests.support.chart import properties
from tests.support.helm import pods, rendered
from tests.support.http_client import Call, Client
from tests.support.rendered_pod import RenderedPod, get
from tests.support.service import ADMIN, campaign_body, coupons
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from handlers.config import Settings
    from local.servers.embedded import KafkaKind

COMPONENTS = ("gateway", "poll-runner", "scheduler")
OF_THE_OWNER = "MIGRATION_DATABASE_URL"


def pods_for(
    environment: Mapping[str, str], folder: Path, **others: object
) -> dict[str, RenderedPod]:
    """Render the chart with these settings, each in its place, and with other values."""
    own = {name: text for name, text in environment.items() if name in properties("settings")}
    secret = {n: text for n, text in environment.items() if n in properties("secretSettings")}
    owner = {n: text for n, text in environment.items() if n == OF_THE_OWNER}
    numbers = {name for name, part in properties("settings").items() if "minimum" in part}
    values = {
        "image": {"repository": "seonchak"},
        "settings": {
            "KAFKA_SECURITY": "PLAINTEXT",
            "DATABASE_TLS": "prefer",
            **{name: int(text) if name in numbers else text for name, text in own.items()},
        },
        "existingSecret": "service",
        "secretSettings": {name: {} for name in secret},
        "gateway": {"proxies": 0},
        "pollRunner": {"extraArgs": ["--batch-window-ms=50"]},
        "scheduler": {"intervalSeconds": 1},
        "migrate": {"existingSecret": "owner", "secretSettings": {name: {} for name in owner}},
        **others,
    }
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    secrets = {"service": secret, "owner": owner}
    found = pods(rendered(file))
    return {name: RenderedPod(pod, secrets, made(folder / name)) for name, pod in found.items()}


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def succeeds(pod: RenderedPod, probe: str) -> bool:
    return pod.asked(probe) == ""


@pytest.mark.long
def test_the_rendered_pods_bring_an_application_to_its_row(
    clean: Settings,
    environment: dict[str, str],
    kafka_kind: KafkaKind,
    campaign_id: str,
    tmp_path: Path,
) -> None:
    name = f"coupon_{uuid.uuid4().hex[:12]}"
    own = {**environment, "COUPON_TOPIC": name, "CONSUMER_GROUP": f"group_{name}"}
    found = pods_for(own, tmp_path)
    with found["migrate"].running() as migration:
        assert migration.wait() == 0, migration.err.seen
    assert name in "\n".join(migration.out.seen)
    with ExitStack() as stack:
        programs = {each: stack.enter_context(found[each].running()) for each in COMPONENTS}
        for each in COMPONENTS:
            eventually(partial(succeeds, found[each], "startupProbe"), f"{each} started")
            assert found[each].asked("livenessProbe") == ""
            assert get(found[each].ports["metrics"][1], "/metrics") == ""
        assert found["gateway"].asked("readinessProbe") == ""
        if kafka_kind == "apache":  # Tansu does not say who is in a group
            eventually(partial(succeeds, found["poll-runner"], "readinessProbe"), "it is a member")
        with Client(found["gateway"].ports["http"][1]) as client:
            body = campaign_body(campaign_id, 3)
            assert client.send(Call("POST", "/campaigns", "admin", ADMIN, body)).status == 201
            applied = client.send(Call("POST", f"/campaigns/{campaign_id}/apply", "42"))
            assert applied.status == 202
            assert client.send(Call("GET", "/ready")).status == 200
        eventually(lambda: coupons(clean, campaign_id) == [("42", 1)], "the row is in MySQL")
        for each, program in programs.items():
            assert program.stop() == 0, (each, program.err.seen)


@pytest.mark.long
def test_no_pod_is_ended_or_taken_away_while_every_server_is_out(tmp_path: Path) -> None:
    port = free_port()
    out = {
        **DEVELOPMENT_SETTINGS,
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "DATABASE_URL": f"mysql://user:password@127.0.0.1:{port}/coupons",
    }
    found = pods_for(out, tmp_path, listenOn="::")  # IPv6, and IPv4 where the system has both
    with ExitStack() as stack:
        programs = {each: stack.enter_context(found[each].running()) for each in COMPONENTS}
        for each in COMPONENTS:
            eventually(partial(succeeds, found[each], "startupProbe"), f"{each} started")
            assert found[each].asked("livenessProbe") == ""
        assert found["gateway"].asked("readinessProbe") == ""
        # What the probes do not ask says it: for people and alerts, and for a rollout of consumers.
        assert get(found["gateway"].ports["http"][1], "/ready") == "503"
        assert "Kafka" in found["poll-runner"].asked("readinessProbe")
        for each, program in programs.items():
            assert program.process.poll() is None, (each, program.err.seen)
            assert program.stop() == 0, (each, program.err.seen)
