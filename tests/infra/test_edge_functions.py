"""The functions of CloudFront in infra/cdn.yaml, run by Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

TEMPLATE = Path(__file__).resolve().parents[2] / "infra" / "cdn.yaml"
# CloudFront runs strict code without modules, timers or a network. Each event is a new one.
RUN = "'use strict';\n%s\nconsole.log(JSON.stringify(%s.map((event) => handler(event))));"
LENGTH_MAX = 10 * 1024  # of a function's code, in bytes


def code_of(name: str) -> str:
    template = cfn_yaml.load(str(TEMPLATE))
    function = template["Resources"][name]["Properties"]
    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"
    assert function["AutoPublish"] is True  # a function that is not published has no effect
    return str(function["FunctionCode"])


def run(name: str, *events: dict[str, Any]) -> list[Any]:
    """Return what the function makes of each event."""
    code = code_of(name)
    assert len(code.encode()) < LENGTH_MAX
    done = subprocess.run(
        ["node", "-"],
        input=RUN % (code, json.dumps(events)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def event(uri: str, headers: dict[str, str] | None = None, ip: str = "203.0.113.7") -> Any:
    """Return an event as CloudFront passes it, header names in lower case."""
    sent = {name: {"value": value} for name, value in (headers or {}).items()}
    request = {"method": "GET", "uri": uri, "querystring": {}, "headers": sent, "cookies": {}}
    return {
        "version": "1.0",
        "context": {"eventType": "viewer-request"},
        "viewer": {"ip": ip},
        "request": request,
    }


def test_the_path_of_a_page_leads_to_its_file() -> None:
    files = {
        "/events/welcome": "/event.html",
        "/events/%ED%95%9C": "/event.html",
        "/console": "/console.html",
        "/docs": "/docs.html",
        "/signed-in": "/sign_in.html",
    }
    answers = run("PagesOfPaths", *(event(path) for path in files))
    assert [answer["uri"] for answer in answers] == list(files.values())
    # All else stays as the viewer sent it.
    assert answers[0] == event("/event.html")["request"]


@pytest.mark.parametrize(
    "path",
    [
        "/events/",
        "/events/a/b",
        "/events",
        "/event.html",
        "/headers.json",
        "/console/",
        "constructor",  # of every object of JavaScript
        "__proto__",
        "/",
        "",
    ],
)
def test_another_path_leads_to_no_file(path: str) -> None:
    [answer] = run("PagesOfPaths", event(path))
    assert answer == {"statusCode": 404, "statusDescription": "Not Found"}


@pytest.mark.parametrize("ip", ["203.0.113.7", "2001:db8:1:2:3:4:5:6"])
@pytest.mark.parametrize("written", [{}, {"x-viewer-address": "198.51.100.1"}])
def test_the_service_gets_the_viewers_address_and_not_what_the_viewer_writes(
    ip: str, written: dict[str, str]
) -> None:
    asked = event("/campaigns/welcome/apply", written | {"authorization": "Bearer x"}, ip)
    [request] = run("ViewerAddress", asked)
    wanted = {"authorization": "Bearer x", "x-viewer-address": ip}
    assert request == event("/campaigns/welcome/apply", wanted)["request"]
