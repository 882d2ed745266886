"""The most common response: sold out, from the process's memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.harness import Case, Goal
from bench.load import LoadGenerator
from bench.tokens import write_tokens
from local.token import bearer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial
    from local.harness.api_client import Api

# Few enough that each process verifies all within a second; enough that each is verified again.
KNOWN, STRANGERS = 2_000, 100_000
ACQUAINTANCE_S = 1
OURS, FIRST, BARE = "sold out", "sold out, everybody's first press", "bare Granian"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Refuse users of one campaign whose only coupon is taken; the baseline responds statically."""
    secret = cluster.settings.auth_jwt_secret
    known = write_tokens(cluster.folder / "known.txt", secret, KNOWN)
    strangers = write_tokens(cluster.folder / "strangers.txt", secret, STRANGERS)
    with cluster.gateway() as ours, cluster.gateway("bench.bare:application") as bare:
        campaign_id = sold_out_campaign(cluster, ours)

        def again() -> Metrics:
            load = LoadGenerator(ours, known, "409")
            # The strangers of the last trial have evicted them from the processes' memory.
            load.during(ACQUAINTANCE_S, campaign_id)
            return load.during(scale.seconds, campaign_id)

        yield {
            BARE: lambda: LoadGenerator(bare, known, "409").during(scale.seconds, campaign_id),
            OURS: again,
            FIRST: lambda: LoadGenerator(ours, strangers, "409").during(scale.seconds, campaign_id),
        }


def sold_out_campaign(cluster: Cluster, api: Api) -> str:
    """Create a campaign and take its only coupon; return its id."""
    campaign_id = cluster.campaign(api, quantity=1)
    winner = bearer(cluster.settings.auth_jwt_secret, "winner")
    api.call("POST", f"/campaigns/{campaign_id}/apply", headers=winner)
    return campaign_id


CASE = Case(
    "sold-out",
    "Sold out, answered from memory",
    "per_s",
    BARE,
    (
        Goal(OURS, "per_s", 0.8, against=BARE),
        Goal(FIRST, "per_s", 0.6, against=BARE),
        Goal(OURS, "per_s", 12_000),
    ),
    variants,
)
