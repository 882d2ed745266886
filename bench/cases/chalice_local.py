"""`chalice local`, for the record: the development server, against our gateway."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.cases.sold_out import sold_out_campaign
from bench.harness import Case
from bench.load import Load
from bench.tokens import write_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Scale, Trial

USERS = 10_000
# Its listen backlog is five: of more simultaneous connections, some are refused.
CONNECTIONS = 4
OURS, CHALICE = "gateway", "chalice local"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Let either program refuse the same users, over the same number of connections."""
    tokens = write_tokens(cluster.folder / "tokens.txt", cluster.settings.auth_jwt_secret, USERS)
    with cluster.gateway() as ours, cluster.chalice_local() as chalice:
        campaign_id = sold_out_campaign(cluster, ours)

        def trial(load: Load) -> Trial:
            return lambda: load.during(scale.seconds, campaign_id)

        yield {
            CHALICE: trial(Load(chalice, tokens, "409", CONNECTIONS)),
            OURS: trial(Load(ours, tokens, "409", CONNECTIONS)),
        }


CASE = Case(
    "chalice-local",
    f"Sold out, over {CONNECTIONS} connections, beside chalice local",
    "per_s",
    CHALICE,
    (),
    variants,
    for_the_record=(CHALICE,),
)
