"""Ten times the users, then ten times again: throughput, and how much memory Redis needs."""

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
    from bench.harness import Metrics, Scale, Trial
    from local.harness.api_client import Api

SIZES, SIZES_QUICK = (1_000, 10_000, 100_000, 1_000_000), (1_000, 10_000)
FEW = 100
BYTES = "redis_bytes_per_accepted"
BYTES_MAX = 200  # per accepted user, in Redis


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Each user applies once; 100 get a coupon, or half of them do."""
    trials: dict[str, Trial] = {}
    # The tokens of a million users take 160 MB: too large to leave among the logs.
    with cluster.gateway() as api, TemporaryDirectory(dir=cluster.folder) as folder:
        for users in SIZES_QUICK if scale.quick else SIZES:
            tokens = Path(folder, str(users))
            write_tokens(tokens, cluster.settings.auth_jwt_secret, users)
            load = Load(api, tokens, "202,409")
            for quantity in (FEW, users // 2):
                trial = partial(_measure, cluster, api, load, users, quantity)
                trials[variant(users, quantity)] = trial
        # Not recorded: the first thousand requests have to connect first.
        trials[variant(SIZES[0], FEW)]()
        yield trials


def variant(users: int, quantity: int) -> str:
    """Return the name under which a size is reported."""
    return f"{users:,} users, {quantity:,} coupons"


def _measure(cluster: Cluster, api: Api, load: Load, users: int, quantity: int) -> Metrics:
    campaign_id = cluster.campaign(api, quantity)
    metrics = load.once_each(users, campaign_id)
    redis = wiring.scripts()
    size = sum(
        redis.command("MEMORY", "USAGE", key, "SAMPLES", 0) or 0
        for key in CampaignKeys.of(campaign_id).all()
    )
    size_metrics = {"people": users, "quantity": quantity, BYTES: size / quantity}
    return {**metrics, **size_metrics}


CASE = Case(
    "growth",
    "Growth of the user count",
    "per_s",
    "",
    tuple(Goal(variant(users, users // 2), BYTES, BYTES_MAX, at_most=True) for users in SIZES),
    variants,
    warm_up=False,  # one run of the smallest size is enough
    rounds_max=1,
    beside=(*LATENCIES, BYTES),
)
