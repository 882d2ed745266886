"""handlers/edge/http/viewer.py: behind CloudFront a limit by address counts the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from chalice.app import CaseInsensitiveMapping

import app as shell
from handlers.edge.http.request import Request
from handlers.edge.http.viewer import context_of_viewer
from local.lambda_context import LambdaContext
from tests.parity.events import http

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handlers.domain.admission import Applicant
    from tests.support.fake_campaign import FakeCampaign
    from tests.unit.conftest import Bearer, Fakes

SECRET = "of-the-origin-0123456789-0123456789"
BEFORE = "before-it-0123456789-0123456789-abcd"
CLOUDFRONTS = "130.176.1.2"
CONTEXT = {"identity": {"sourceIp": CLOUDFRONTS, "userAgent": "curl"}, "stage": "prod"}


def counted(headers: Mapping[str, str], *secrets: str) -> str:
    """Return what a limit counts of a request with these headers."""
    context = context_of_viewer(CONTEXT, CaseInsensitiveMapping(dict(headers)), secrets)
    assert context["stage"] == "prod"
    assert context["identity"]["userAgent"] == "curl"
    assert CONTEXT["identity"]["sourceIp"] == CLOUDFRONTS  # type: ignore[index]
    return Request.of({"requestContext": context}, "request-1", {}).address()


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("no address", ""),  # then only the user is counted
        ("", ""),
    ],
)
def test_beside_the_secret_the_viewer_counts(address: str, key: str) -> None:
    sent = {"x-origin-secret": SECRET, "x-viewer-address": address}
    assert counted(sent, SECRET) == key


def test_a_secret_without_an_address_does_not_count_all_viewers_as_one() -> None:
    assert counted({"X-Origin-Secret": SECRET}, SECRET) == ""


@pytest.mark.parametrize("secret", [SECRET, BEFORE])
def test_while_a_secret_is_replaced_both_are_good(secret: str) -> None:
    sent = {"X-Origin-Secret": secret, "X-Viewer-Address": "203.0.113.7"}
    assert counted(sent, SECRET, BEFORE) == "203.0.113.7"


@pytest.mark.parametrize(
    "secret", ["", SECRET[:-1], f"{SECRET}x", SECRET.upper(), f"{SECRET},{BEFORE}", "\ud800", "é"]
)
def test_without_the_secret_what_a_client_writes_counts_for_nothing(secret: str) -> None:
    sent = {"X-Origin-Secret": secret, "X-Viewer-Address": "203.0.113.7"}
    assert counted(sent, SECRET, BEFORE) == CLOUDFRONTS
    del sent["X-Origin-Secret"]
    assert counted(sent, SECRET, BEFORE) == CLOUDFRONTS


def test_the_function_counts_the_viewer_only_beside_the_secret(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert campaign
    counted_as: list[str] = []
    admit_all = fakes.admissions.admit_all

    def note(applicants: Sequence[Applicant]) -> Any:
        counted_as.extend(applicant.address for applicant in applicants)
        return admit_all(applicants)

    monkeypatch.setattr(fakes.admissions, "admit_all", note)
    viewer = {"X-Viewer-Address": "203.0.113.7"}
    through_cloudfront = viewer | {"X-Origin-Secret": SECRET}
    for user, secrets, headers in (
        ("1", (SECRET,), through_cloudfront),
        ("2", (SECRET,), viewer),
        ("3", (), through_cloudfront),
    ):
        monkeypatch.setattr(shell, "ORIGIN_SECRETS", secrets)
        token = bearer(user)["Authorization"].removeprefix("Bearer ")
        call = http("POST /campaigns/{id}/apply", "welcome", token=token, headers=headers)
        assert shell.app(call, LambdaContext("api", 29))["statusCode"] in {202, 409}
    direct = call["requestContext"]["identity"]["sourceIp"]
    assert counted_as == ["203.0.113.7", direct, direct]
