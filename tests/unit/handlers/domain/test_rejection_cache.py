"""What a process caches of campaigns that admit no more users."""

from __future__ import annotations

from dataclasses import dataclass, field

from handlers.domain import rejection_cache as refusals
from handlers.domain.admission import Admission, Outcome
from handlers.domain.errors import UnavailableError
from handlers.domain.rejection_cache import (
    CAMPAIGNS_MAX,
    FORGOTTEN_S,
    REFRESH_AHEAD_S,
    TTL_S,
    Rejection,
    RejectionCache,
)
from tests.support.clock import ManualClock

SOLD_OUT = Admission(Outcome.SOLD_OUT)


@dataclass
class Source:
    """Redis, with a count of how often it was asked."""

    winners: set[str] | None = field(default_factory=lambda: {"winner"})
    reachable: bool = True
    asked: int = 0

    def rejection(self, campaign_id: str, winners_max: int) -> Rejection | None:
        assert campaign_id
        self.asked += 1
        if not self.reachable:
            raise UnavailableError
        if self.winners is None or len(self.winners) > winners_max:
            return None
        return Rejection(SOLD_OUT, frozenset(self.winners))


def remembering(source: Source) -> tuple[RejectionCache, ManualClock]:
    clock = ManualClock(0.0)
    memory = RejectionCache(source, clock)
    memory.refresh("welcome", Outcome.SOLD_OUT)
    return memory, clock


def test_nothing_is_cached_before_redis_has_refused() -> None:
    source = Source()
    memory = RejectionCache(source, ManualClock())
    memory.refresh("welcome", Outcome.ACCEPTED)
    memory.refresh("welcome", Outcome.NOT_OPEN)
    memory.refresh("welcome", Outcome.STALE)
    assert memory.get("welcome", "42") is None
    assert source.asked == 0


def test_a_rejection_is_cached_for_half_a_second_and_no_longer() -> None:
    memory, clock = remembering(Source())
    assert memory.get("welcome", "42") == SOLD_OUT
    assert memory.get("another", "42") is None
    clock.now_s += TTL_S - 0.001
    assert memory.get("welcome", "42") is None  # sent to Redis to renew it
    assert memory.get("welcome", "42") == memory.peek("welcome", "42") == SOLD_OUT
    clock.now_s += 0.001
    assert memory.get("welcome", "42") is memory.peek("welcome", "42") is None


def test_one_applicant_refreshes_early_while_all_others_are_rejected_from_the_cache() -> None:
    source = Source()
    memory, clock = remembering(source)
    clock.now_s += TTL_S - REFRESH_AHEAD_S
    assert [memory.get("welcome", "42") for _ in range(5)] == [None, *[SOLD_OUT] * 4]
    memory.refresh("welcome", Outcome.SOLD_OUT)
    clock.now_s += TTL_S - REFRESH_AHEAD_S - 0.001
    assert memory.get("welcome", "42") == SOLD_OUT
    assert source.asked == 2


def test_a_caller_that_will_not_ask_redis_leaves_the_refresh_to_another() -> None:
    memory, clock = remembering(Source())
    assert memory.peek("welcome", "42") == SOLD_OUT
    clock.now_s += TTL_S - REFRESH_AHEAD_S
    assert [memory.peek("welcome", "42") for _ in range(3)] == [None] * 3
    assert memory.get("welcome", "42") is None
    assert memory.peek("welcome", "42") == SOLD_OUT


def test_a_winner_does_not_take_the_refresh_from_the_callers_that_do_it() -> None:
    memory, clock = remembering(Source())
    clock.now_s += TTL_S - REFRESH_AHEAD_S
    assert memory.get("welcome", "winner") is memory.peek("welcome", "winner") is None
    assert memory.get("welcome", "42") is None
    assert memory.get("welcome", "42") == SOLD_OUT


def test_what_was_once_known_is_worth_a_look() -> None:
    memory, clock = remembering(Source())
    clock.now_s += 10 * TTL_S
    assert memory.has("welcome")
    assert not memory.has("another")


def test_a_winner_is_never_rejected_from_the_cache() -> None:
    memory, _ = remembering(Source({"winner", "another"}))
    assert memory.get("welcome", "winner") is None
    assert memory.get("welcome", "another") is None


def test_redis_is_asked_for_the_winners_once_in_a_while() -> None:
    for winners in ({"winner"}, None):
        source = Source(winners)
        memory, clock = remembering(source)
        for _ in range(10):
            memory.refresh("welcome", Outcome.SOLD_OUT)
        assert source.asked == 1
        clock.now_s += TTL_S
        memory.refresh("welcome", Outcome.SOLD_OUT)
        assert source.asked == 2


def test_with_too_many_winners_no_user_is_rejected_from_the_cache() -> None:
    memory, _ = remembering(Source({f"user-{n}" for n in range(refusals.WINNERS_MAX + 1)}))
    assert memory.get("welcome", "42") is None


def test_a_redis_that_fails_leaves_the_cache_empty_and_is_asked_again() -> None:
    source = Source(reachable=False)
    memory, _ = remembering(source)
    assert memory.get("welcome", "42") is None
    source.reachable = True
    memory.refresh("welcome", Outcome.SOLD_OUT)
    assert memory.get("welcome", "42") == SOLD_OUT


def test_the_time_counts_from_before_the_question() -> None:
    clock = ManualClock()

    class Slow(Source):
        def rejection(self, campaign_id: str, winners_max: int) -> Rejection | None:
            clock.now_s += TTL_S
            return super().rejection(campaign_id, winners_max)

    memory = RejectionCache(Slow(), clock)
    memory.refresh("welcome", Outcome.CLOSED)
    assert memory.get("welcome", "42") is None


def test_the_memory_is_bounded() -> None:
    memory, clock = remembering(Source())
    for n in range(10 * CAMPAIGNS_MAX):
        memory.refresh(f"campaign-{n}", Outcome.SOLD_OUT)
        assert memory.get(f"campaign-{n}", "42") == SOLD_OUT
        clock.now_s += TTL_S - REFRESH_AHEAD_S
        assert memory.get(f"campaign-{n}", "42") is None
        assert max(len(memory._known), len(memory._refreshes)) <= CAMPAIGNS_MAX


def has_winners(memory: RejectionCache, campaign_id: str) -> bool:
    return memory._known[campaign_id][1] is not None


def test_winners_of_a_campaign_for_which_nobody_comes_are_forgotten_after_a_minute() -> None:
    memory, clock = remembering(Source())
    memory.refresh("over", Outcome.CLOSED)
    clock.now_s += TTL_S + FORGOTTEN_S - 1
    memory.refresh("welcome", Outcome.SOLD_OUT)
    assert has_winners(memory, "over")
    clock.now_s += 2
    memory.refresh("welcome", Outcome.SOLD_OUT)
    assert not has_winners(memory, "over")
    assert memory.get("welcome", "42") == SOLD_OUT
