"""The protocol keeps its promises in every history played here; they are always the same.

The journal of each is replayed through the model's actions, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.run import play

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

HISTORIES = 60
OF_GROUPS = 30


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_order_of_steps_and_faults_breaks_a_promise(judged_cluster: Cluster) -> None:
    play(judged_cluster, HISTORIES)
    assert judged_cluster.journal
    assert judged_cluster.journal.events > HISTORIES


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_order_breaks_a_promise_to_users_in_one_batch(judged_cluster: Cluster) -> None:
    play(judged_cluster, OF_GROUPS, group_size=3)
