"""A real Prometheus with our configuration reads the programs, and its alerts see a fault."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from handlers.config import Settings
from local.servers.ports import free_port
from tests.support.http_client import Call, Client
from tests.support.programs import running, running_command, running_with
from tests.support.prometheus import OBSERVABILITY, RULES, tool, url_of
from tests.support.service import ADMIN, campaign_body
from tests.support.state import statement
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

EVERY = "250ms"


def configuration(folder: Path, urls: Mapping[str, str]) -> Path:
    """Write the repository's configuration with other addresses, and without its pauses."""
    config = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text("utf-8"))
    config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout"), EVERY)
    config["global"]["evaluation_interval"] = EVERY
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]
        target = urls[job["job_name"]].removeprefix("http://").removesuffix("/metrics")
        job["static_configs"] = [{"targets": [target]}]
    (folder / "rules").mkdir(parents=True)
    for file in RULES:
        (folder / "rules" / file.name).write_bytes(file.read_bytes())
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@contextmanager
def prometheus(folder: Path, urls: Mapping[str, str]) -> Iterator[str]:
    """Run Prometheus; yield its address once it is ready."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        tool("prometheus"),
        f"--config.file={configuration(folder, urls)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with running_command(*command, environment={}):
        eventually(lambda: responds(f"http://{address}/-/ready"), "Prometheus to be ready")
        yield f"http://{address}"


def responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=WAIT_S) as response:  # noqa: S310 - ours
            return bool(response.status == 200)
    except OSError:
        return False


def ask(prometheus_url: str, expression: str) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode({"query": expression})
    url = f"{prometheus_url}/api/v1/query?{query}"
    with urllib.request.urlopen(url, timeout=WAIT_S) as response:  # noqa: S310 - ours
        found: list[dict[str, Any]] = json.load(response)["data"]["result"]
    return found


def firing(prometheus_url: str) -> set[str]:
    found = ask(prometheus_url, 'ALERTS{alertstate="firing"}')
    return {one["metric"]["alertname"] for one in found}


def test_prometheus_reads_all_programs_and_an_alert_sees_what_is_wrong(
    world: dict[str, str], campaign_id: str, tmp_path: Path
) -> None:
    settings = Settings.from_environment(world)
    often = {"local.scheduler.MEASURE_INTERVAL_S": 0.2}
    one = "--metrics-port=0"
    with (
        running("local.serve", "--port=0", "--workers=1", one, environment=world) as gateway,
        running("local.poll_runner", one, environment=world) as consumer,
        running_with("local.scheduler", often, one, environment=world) as scheduler,
    ):
        line = gateway.out.until(lambda text: "listening on" in text)
        urls = {
            "gateway": url_of(gateway),
            "consumer": url_of(consumer),
            "scheduler": url_of(scheduler),
        }
        with prometheus(tmp_path, urls) as url, Client(int(line.rsplit(":", 1)[1])) as client:
            eventually(lambda: len(ask(url, "up == 1")) == 3, "three targets that are up")
            body = campaign_body(campaign_id, 1)
            assert client.send(Call("POST", "/campaigns", "admin", ADMIN, body)).status == 201
            assert firing(url) == set()
            assert client.send(Call("POST", f"/campaigns/{campaign_id}/apply", "a")).status == 202
            eventually(lambda: "CampaignSoldOut" in firing(url), "an alert about the last coupon")
            statement(
                settings,
                "INSERT INTO failed_event (topic, partition_no, offset_no, reason, detail, status)"
                " VALUES ('coupon_create', 0, 1, 'UNDECODABLE', '', 'DEAD')",
            )
            eventually(lambda: "FailedEventsDead" in firing(url), "an alert about the dead event")
            assert firing(url) == {"CampaignSoldOut", "FailedEventsDead"}
            recorded = ask(url, "seonchak:pending_admissions:sum")
            assert len(recorded) == 1
