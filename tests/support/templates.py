"""The templates of infra/ as a program reads them."""

from __future__ import annotations

from typing import Any

from chalice.package import YAMLTemplateSerializer

from tests.support.paths import ROOT

FUNCTIONS = {
    "APIHandler",
    "ConsumeHandler",
    "RelayHandler",
    "RedriveHandler",
    "WebhookHandler",
    "RebuildHandler",
    "RestoreHandler",
    "MigrateHandler",
}


def template(name: str) -> dict[str, Any]:
    text = (ROOT / "infra" / f"{name}.yaml").read_text(encoding="utf-8")
    found = YAMLTemplateSerializer().load_template(text)
    assert isinstance(found, dict)
    return found


def of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return {n: r["Properties"] for n, r in template["Resources"].items() if r["Type"] == kind}
