"""Admissions on dictionaries and on Valkey, with what tests may do to them from the side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

from handlers.adapters.redis import admissions as admission
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.campaigns import RedisCampaigns
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.erasures import RedisErasures
from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain import times
from handlers.domain.admission import RateLimits
from handlers.domain.campaign import Campaign
from handlers.domain.pseudonyms import Renamed
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS, FakeAdmissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handlers.config import Settings

MINUTE_MS = 60_000
CLOCK = "redis.call('TIME')"


class Backend(ABC):
    """Admissions, and what a test may do to their state from the side."""

    admissions: Admissions | FakeAdmissions

    @abstractmethod
    def open(self, campaign_id: str, quantity: int, opens_at_ms: int, closes_at_ms: int) -> None:
        """Open a campaign."""

    @abstractmethod
    def open_limited(self, campaign_id: str, quantity: int, limits: Mapping[str, object]) -> str:
        """Open one at NOW_MS with limits as a request gives them; return the text of its rules."""

    @abstractmethod
    def limit(self, *, per_user: int = 0, per_address: int = 0) -> None:
        """Let no more calls through within a second; 0 for any number."""

    @abstractmethod
    def set_clock(self, now_ms: int) -> None:
        """Stop the clock at this millisecond."""

    @abstractmethod
    def give_back(self, campaign_id: str, serials: Iterable[int]) -> None:
        """Put serials among the returned ones."""

    @abstractmethod
    def return_places(self, campaign_id: str, places: int) -> None:
        """Let so many places more be given."""

    @abstractmethod
    def rename(self, campaign_id: str, user: str, pseudonym: str) -> None:
        """Put a pseudonym in the place of a user who has a serial, as an erasure does."""

    @abstractmethod
    def pause(self, campaign_id: str, *, paused: bool) -> None:
        """Pause a campaign, or let it go on."""

    @abstractmethod
    def make_stale(self, campaign_id: str) -> None:
        """Mark the campaign as opened by another run of the server."""

    @abstractmethod
    def lose_epoch(self) -> None:
        """Delete the epoch, which says that Redis lost nothing."""

    @abstractmethod
    def dump(self) -> Any:
        """Return the whole state for a comparison, without the counted calls."""

    @abstractmethod
    def pending(self, campaign_id: str) -> dict[str, int]:
        """Return when each pending user was admitted."""

    @abstractmethod
    def count(self, campaign_id: str) -> int:
        """Return the highest serial given out."""


class FakeBackend(Backend):
    """Dictionaries."""

    def __init__(self) -> None:
        self.admissions: FakeAdmissions = FakeAdmissions()

    def open(self, campaign_id: str, quantity: int, opens_at_ms: int, closes_at_ms: int) -> None:
        campaign = FakeCampaign(quantity, opens_at_ms, closes_at_ms)
        self.admissions.campaigns[campaign_id] = campaign

    def open_limited(self, campaign_id: str, quantity: int, limits: Mapping[str, object]) -> str:
        campaign = _limited(campaign_id, quantity, limits)
        fake = FakeCampaign(quantity, campaign.opens_at_ms, campaign.closes_at_ms)
        fake.rate_per_address, fake.rules = campaign.rate_per_address, campaign.rules.text
        fake.releases = campaign.releases
        self.admissions.campaigns[campaign_id] = fake
        return fake.rules

    def limit(self, *, per_user: int = 0, per_address: int = 0) -> None:
        self.admissions.limits = RateLimits(per_user, per_address)

    def set_clock(self, now_ms: int) -> None:
        self.admissions.now_ms = now_ms

    def give_back(self, campaign_id: str, serials: Iterable[int]) -> None:
        self.admissions.campaigns[campaign_id].returned += serials

    def return_places(self, campaign_id: str, places: int) -> None:
        self.admissions.campaigns[campaign_id].places_returned = places

    def rename(self, campaign_id: str, user: str, pseudonym: str) -> None:
        campaign = self.admissions.campaigns[campaign_id]
        campaign.erased = "1"
        campaign.serials[pseudonym] = campaign.serials.pop(user)
        campaign.pending.pop(user, None)

    def pause(self, campaign_id: str, *, paused: bool) -> None:
        self.admissions.campaigns[campaign_id].paused = paused

    def make_stale(self, campaign_id: str) -> None:
        self.admissions.campaigns[campaign_id].stale = True

    def lose_epoch(self) -> None:
        self.admissions.epoch_is_known = False

    def dump(self) -> Any:
        return repr(self.admissions.campaigns)

    def pending(self, campaign_id: str) -> dict[str, int]:
        return dict(self.admissions.campaigns[campaign_id].pending)

    def count(self, campaign_id: str) -> int:
        return self.admissions.campaigns[campaign_id].count


class ValkeyBackend(Backend):
    """The real scripts; only the clock is not real."""

    def __init__(self, settings: Settings, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._client: Any = connect(settings)
        self.scripts = Scripts(
            lambda: connect(settings), epoch=True, is_cluster=settings.redis_cluster
        )
        self.admissions: Admissions = Admissions(self.scripts)

    def close(self) -> None:
        self.scripts.close()
        self._client.close()

    def open(self, campaign_id: str, quantity: int, opens_at_ms: int, closes_at_ms: int) -> None:
        campaign = Campaign(campaign_id, "Contract", quantity, opens_at_ms, closes_at_ms)
        RedisCampaigns(self.scripts).open(campaign, created=True)

    def open_limited(self, campaign_id: str, quantity: int, limits: Mapping[str, object]) -> str:
        campaign = _limited(campaign_id, quantity, limits)
        RedisCampaigns(self.scripts).open(campaign, created=True)
        return campaign.rules.text

    def limit(self, *, per_user: int = 0, per_address: int = 0) -> None:
        self.admissions = Admissions(self.scripts, RateLimits(per_user, per_address))

    def set_clock(self, now_ms: int) -> None:
        for name in ("admit", "winners_if_closed"):
            stopped = Script(f"admission/{name}")
            assert stopped.source.count(CLOCK) == 1
            stopped.source = stopped.source.replace(
                CLOCK, f"{{{now_ms // 1000}, {now_ms % 1000 * 1000}}}"
            )
            stopped.digest = self._client.script_load(stopped.source)  # as after its first call
            self._patch.setattr(admission, name.upper(), stopped)

    def give_back(self, campaign_id: str, serials: Iterable[int]) -> None:
        self._client.rpush(CampaignKeys.of(campaign_id).returned, *serials)

    def return_places(self, campaign_id: str, places: int) -> None:
        self._client.hset(CampaignKeys.of(campaign_id).campaign, "places_returned", places)

    def rename(self, campaign_id: str, user: str, pseudonym: str) -> None:
        erasures = RedisErasures(self.scripts)
        trace = erasures.find(campaign_id, user)
        assert trace
        renamed = Renamed(user, trace.serial, pseudonym, trace.serial)
        assert erasures.erase(campaign_id, 1, [renamed]) == []

    def pause(self, campaign_id: str, *, paused: bool) -> None:
        value = "1" if paused else ""
        self._client.hset(CampaignKeys.of(campaign_id).campaign, "paused", value)

    def make_stale(self, campaign_id: str) -> None:
        self._client.hset(CampaignKeys.of(campaign_id).campaign, "epoch", "another-run")

    def lose_epoch(self) -> None:
        self._client.delete(self.scripts.epoch_key)

    def dump(self) -> Any:
        keys = sorted(self._client.scan_iter("coupon:*"))
        states = [key for key in keys if not key.endswith(b":rate")]
        return {key: (self._client.dump(key), self._client.pttl(key)) for key in states}

    def rate(self, campaign_id: str) -> tuple[dict[bytes, bytes], int]:
        """Return the counters, and after how many ms each expires."""
        key = CampaignKeys.of(campaign_id).rate
        return self._client.hgetall(key), self._client.pttl(key)

    def leave_behind(self, campaign_id: str, counted: dict[str, int]) -> None:
        """Put counted calls without an expiry into Redis."""
        self._client.hset(CampaignKeys.of(campaign_id).rate, mapping=counted)

    def pending(self, campaign_id: str) -> dict[str, int]:
        found = self._client.zrange(CampaignKeys.of(campaign_id).pending, 0, -1, withscores=True)
        return {user.decode(): int(score) for user, score in found}

    def count(self, campaign_id: str) -> int:
        return int(self._client.get(CampaignKeys.of(campaign_id).coupon_count) or 0)


def _limited(campaign_id: str, quantity: int, limits: Mapping[str, object]) -> Campaign:
    window = {"opens_at": times.to_iso(NOW_MS), "closes_at": times.to_iso(NOW_MS + MINUTE_MS)}
    named = {"id": campaign_id, "name": "Contract", "quantity": quantity}
    return Campaign.from_request({**named, **window, **limits})


class OpenCampaign:
    """The fixtures of all contracts of admissions."""

    @pytest.fixture
    def opened(self, backend: Backend, campaign_id: str) -> str:
        """The id of a campaign of three that is open at NOW_MS."""
        backend.open(campaign_id, 3, NOW_MS - MINUTE_MS, NOW_MS + MINUTE_MS)
        backend.set_clock(NOW_MS)
        return campaign_id
