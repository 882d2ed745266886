"""The campaign would notice: without a guard of coupons and places, it finds the broken promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.controls import AGREE_S, names
from tests.faults.directed import given_back, settled_late, two_orders
from tests.faults.engine import history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.scenario import Scenario

pytestmark = pytest.mark.timeout(300)

# Short: what will never agree does not agree after longer waiting.
QUIET_S = 8.0
# Meanwhile the relay sends nothing: only the user's own call can.
PATIENT = {"KAFKA_ACK_TIMEOUT_MS": "20000", "PENDING_RESEND_AFTER_S": "60"}
# After MySQL has returned the place, and after Redis has as well.
ENDED, PASSED_ON = "gateway.ended", "gateway.place-passed-on"


@pytest.mark.parametrize(
    ("guard", "played", "sign"),
    [
        pytest.param("state", two_orders(), "coupons for two orders", id="WHERE state"),
        pytest.param("mysql-first", given_back(PASSED_ON), "no row", id="MySQL first"),
        pytest.param("late-settle", settled_late(), "promised again", id="late settlement"),
    ],
)
def test_without_a_guard_of_coupons_and_places_a_promise_is_broken(
    cluster_without: Callable[..., Cluster], guard: str, played: Scenario, sign: str
) -> None:
    cluster = cluster_without(guard, **PATIENT)
    result = history.run(cluster, played, quiet_s=QUIET_S, agree_s=AGREE_S)
    assert not result.passed_over, result.log
    found = [each for each in result.violations if sign in each]
    assert names("P3", found), "\n".join([*result.violations, *result.log])


@pytest.mark.parametrize(
    ("played", "places"),
    [
        pytest.param(two_orders(), 0, id="WHERE state"),
        pytest.param(given_back(ENDED), 1, id="killed before Redis hears of a place"),
        pytest.param(given_back(PASSED_ON), 1, id="killed before the user hears of it"),
        pytest.param(settled_late(), 1, id="late settlement"),
    ],
)
def test_with_every_guard_the_same_orders_of_steps_break_nothing(
    cluster_without: Callable[..., Cluster], played: Scenario, places: int
) -> None:
    result = history.run(cluster_without(**PATIENT), played)
    assert not result.passed_over, result.log
    assert not result.violations, "\n".join([*result.violations, *result.log])
    assert result.places_returned == places, result.log
