"""The workload to estimate: one sale, and the environment it runs in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Door(StrEnum):
    """What takes the requests."""

    LAMBDA = "lambda"
    CLOUDFRONT = "cloudfront"
    CONTAINERS = "containers"

    @property
    def has_functions(self) -> bool:
        """Say whether Lambda serves, not the gateway in containers."""
        return self is not Door.CONTAINERS


@dataclass(frozen=True)
class Workload:
    """One campaign's requests, and the servers that run for it."""

    applicants: int
    minutes: float
    quantity: int
    presses: float = 2.0
    polls: int = 3
    looks: int = 0
    peak: float = 5.0
    throttle: int | None = None
    region: str = "us-east-1"
    size: str = "large"
    architecture: str = "x86_64"
    hours: float = 24.0
    bot_control: bool = False
    door: Door = Door.LAMBDA
    provisioned: int = 0
    durable_redis: bool = False  # infra/durable-valkey.yaml in place of the Valkey of data.yaml

    @property
    def accepted(self) -> int:
        """The number of users who get a coupon."""
        return min(self.quantity, self.applicants)

    @property
    def applies(self) -> float:
        """All requests to apply."""
        return self.applicants * self.presses
