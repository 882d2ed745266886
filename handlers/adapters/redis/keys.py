"""Every key name in Redis. No other file contains one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

CAMPAIGNS = "coupon:campaigns"  # set: the ids of all campaigns
CAMPAIGNS_CACHED = 256  # bounded: a client may send invented campaign ids
EPOCH = "coupon:epoch"  # string: the history that migrate or rebuild has seen
# In a cluster the same string under a name that puts it into the list's hash slot.
CLUSTER_EPOCH = f"{EPOCH}:{{{CAMPAIGNS}}}"


def epoch_key(*, is_cluster: bool) -> str:
    """Return the key of the epoch."""
    return CLUSTER_EPOCH if is_cluster else EPOCH


@dataclass(frozen=True, slots=True)
class CampaignKeys:
    """The keys of one campaign; the braces put them in one hash slot of a cluster."""

    # hash: epoch, fence, and what campaign_hash.py lists
    campaign: str
    applied_user: str  # sorted set: user id, score = serial
    coupon_count: str  # string: the highest serial given out
    returned: str  # list: serials given back, used before a new one
    pending: str  # sorted set: user id, score = admitted_at in ms
    rate: str  # hash: calls of the last second; may be lost, expires
    resent: str  # sorted set: user id, score = when the relay took it, in ms; may be lost
    refused: str  # hash: reason -> refused applications, since_ms; may be lost, expires

    @classmethod
    @lru_cache(maxsize=CAMPAIGNS_CACHED)
    def of(cls, campaign_id: str) -> CampaignKeys:
        """Name the keys of `campaign_id`."""
        prefix = f"coupon:{{{campaign_id}}}:"
        return cls(
            prefix + "campaign",
            prefix + "applied_user",
            prefix + "coupon_count",
            prefix + "returned",
            prefix + "pending",
            prefix + "rate",
            prefix + "resent",
            prefix + "refused",
        )

    def all(self) -> tuple[str, str, str, str, str]:
        """Return all keys that are state, in the order in which every script expects them."""
        return (self.campaign, self.applied_user, self.coupon_count, self.returned, self.pending)
