"""An issuer of tokens, with its keys served over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.issuer import Issuer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def made_issuer() -> Issuer:
    return Issuer()  # once: RSA keys take their time


@pytest.fixture
def issuer(made_issuer: Issuer) -> Iterator[Issuer]:
    answer, made_issuer.calls = made_issuer.answer, 0
    yield made_issuer
    made_issuer.answer = answer
