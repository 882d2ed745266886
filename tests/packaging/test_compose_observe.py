"""The profile observe of local/docker-compose.yml: Prometheus, Grafana and Kafka UI."""

from __future__ import annotations

import re

import yaml

from tests.packaging.test_compose import COMPOSE_FILE, TEXT, services
from tests.support.paths import ROOT


def test_the_programs_show_metrics_where_prometheus_of_the_profile_reads_them() -> None:
    config = ROOT / "infra" / "observability" / "prometheus.yml"
    jobs = yaml.safe_load(config.read_text("utf-8"))["scrape_configs"]
    sources = [source for job in jobs for source in job["dns_sd_configs"]]
    assert sorted(name for source in sources for name in source["names"]) == [
        "api",
        "consumer",
        "scheduler",
    ]
    for source in sources:
        for name in source["names"]:
            environment = services()[name]["environment"]
            assert environment["METRICS_PORT"] == str(source["port"]), name
            assert environment["METRICS_HOST"] == "0.0.0.0", name  # noqa: S104 - compared
            published = services()[name].get("ports", [])
            assert [port for port in published if port.endswith(f":{source['port']}")] == []


def test_what_the_profile_observe_mounts_is_there_and_cannot_be_changed() -> None:
    profile = {n: s for n, s in services().items() if s.get("profiles") == ["observe"]}
    assert profile.keys() == {"prometheus", "grafana", "kafka-ui"}
    for name, service in profile.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"]), (
            name
        )
        for mount in service.get("volumes", []):
            source, _, rest = mount.partition(":")
            if source.startswith(".."):
                assert (COMPOSE_FILE.parent / source).resolve().exists(), mount
                assert rest.endswith(":ro"), mount
            else:
                assert source in yaml.safe_load(TEXT)["volumes"], mount
