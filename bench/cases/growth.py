"""A crowd ten times as large, and again: whether it gets slower, how Redis grows with it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.harness import LATENCIES, Case, Goal
from bench.load import Load
from bench.tokens import write_tokens
from handlers import wiring
from handlers.adapters.redis.keys import CampaignKeys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Figures, Scale, Trial
    from local.harness.api_client import Api

SIZES, SIZES_QUICK = (1_000, 10_000, 100_000, 1_000_000), (1_000, 10_000)
FEW = 100
BYTES = "redis_bytes_per_accepted"
BYTES_MAX = 200  # for each accepted user, in Redis


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Each applicant applies once; 100 get a coupon, or half of them do."""
    trials: dict[str, Trial] = {}
    # The tokens of a million people take 160 MB: not a file to leave among the logs.
    with cluster.gateway() as api, TemporaryDirectory(dir=cluster.folder) as folder:
        for people in SIZES_QUICK if scale.quick else SIZES:
            tokens = Path(folder, str(people))
            write_tokens(tokens, cluster.settings.auth_jwt_secret, people)
            load = Load(api, tokens, "202,409")
            for quantity in (FEW, people // 2):
                crowd = partial(_crowd, cluster, api, load, people, quantity)
                trials[variant(people, quantity)] = crowd
        # Of which nothing is kept: the first thousand find nothing connected yet.
        trials[variant(SIZES[0], FEW)]()
        yield trials


def variant(people: int, quantity: int) -> str:
    """Return the name under which a size is reported."""
    return f"{people:,} people, {quantity:,} coupons"


def _crowd(cluster: Cluster, api: Api, load: Load, people: int, quantity: int) -> Figures:
    campaign_id = cluster.campaign(api, quantity)
    figures = load.of_everybody(people, campaign_id)
    redis = wiring.scripts()
    size = sum(
        redis.command("MEMORY", "USAGE", key, "SAMPLES", 0) or 0
        for key in CampaignKeys.of(campaign_id).all()
    )
    about = {"people": people, "quantity": quantity, BYTES: size / quantity}
    return {**figures, **about}


CASE = Case(
    "growth",
    "Growth of the crowd",
    "per_s",
    "",
    tuple(Goal(variant(people, people // 2), BYTES, BYTES_MAX, at_most=True) for people in SIZES),
    variants,
    warm_up=False,  # one of the smallest crowd is enough
    rounds_max=1,
    beside=(*LATENCIES, BYTES),
)
