"""The public list of campaigns: pages from statuses of the last second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from handlers.domain import campaign_list
from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.domain.campaign_list import (
    AGE_S_MAX,
    RENEW_AFTER_S,
    SHOWN_AFTER_CLOSE_MS,
    CampaignList,
)
from handlers.domain.errors import UnavailableError
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOW_MS = 10**12


@dataclass
class Source:
    """Redis; `looks` has what each round trip asked for."""

    statuses: dict[str, CampaignStatus] = field(default_factory=dict)
    unopened: set[str] = field(default_factory=set)  # listed, and not yet there
    looks: list[list[str]] = field(default_factory=list)
    reachable: bool = True

    def add(self, *names: str, closed_for_ms: int = -1) -> None:
        for name in names:
            closes_at_ms = NOW_MS - closed_for_ms
            campaign = Campaign(name, name, 5, closes_at_ms - 1000, closes_at_ms)
            self.statuses[name] = CampaignStatus(campaign, 0, 0, 5, None, NOW_MS)

    def look(self, wanted: Sequence[str]) -> tuple[Sequence[str], Mapping[str, CampaignStatus]]:
        self.looks.append(list(wanted))
        if not self.reachable:
            raise UnavailableError
        found = {name: self.statuses[name] for name in wanted if name in self.statuses}
        return sorted({*self.statuses, *self.unopened}), found


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def listed(source: Source, clock: ManualClock) -> CampaignList:
    return CampaignList(source, clock)


def names(listed: CampaignList, after: str = "", limit: int = 100) -> list[str]:
    return [status.campaign.id for status in listed.page(after, limit).statuses]


def test_without_campaigns_the_page_is_empty_and_the_last_one(listed: CampaignList) -> None:
    page = listed.page("", 10)
    assert (page.statuses, page.next_after) == ([], None)


def test_pages_follow_each_other_by_id_and_the_last_one_says_so(
    source: Source, listed: CampaignList
) -> None:
    ids = [f"c-{number:03}" for number in range(25)]
    source.add(*reversed(ids))
    seen: list[str] = []
    after: str | None = ""
    pages = 0
    while after is not None:
        page = listed.page(after, 10)
        seen += [status.campaign.id for status in page.statuses]
        after, pages = page.next_after, pages + 1
    assert (seen, pages) == (ids, 3)


def test_a_page_that_ends_with_the_list_is_the_last_one(
    source: Source, listed: CampaignList
) -> None:
    source.add("a", "b")
    assert listed.page("", 2).next_after is None
    assert listed.page("", 1).next_after == "a"
    assert names(listed, after="aa") == ["b"]
    page = listed.page("b", 2)
    assert (page.statuses, page.next_after) == ([], None)


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_after_the_first_page_one_round_trip_is_enough_whatever_the_number(
    source: Source, listed: CampaignList, clock: ManualClock, count: int
) -> None:
    source.add(*(f"c-{number:04}" for number in range(count)))
    assert len(names(listed, limit=1000)) == count
    assert len(source.looks) == 2  # the ids are not known before
    for looks in range(3, 6):
        clock.now_s += 10
        assert len(names(listed, limit=1000)) == count
        assert len(source.looks) == looks


def test_whatever_pages_are_asked_for_no_campaign_is_asked_for_twice_in_half_a_second(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add(*(f"c-{number:02}" for number in range(50)))
    for limit in range(1, 51):
        names(listed, after=f"c-{limit - 1:02}", limit=limit)
        names(listed, limit=limit)
    asked = [name for look in source.looks for name in look]
    assert sorted(asked) == sorted(set(asked))
    clock.now_s += RENEW_AFTER_S
    names(listed)
    assert source.looks[-1] == sorted(source.statuses)


def test_a_change_is_seen_within_half_a_second_where_one_thread_asks(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add("a")
    assert names(listed) == ["a"]
    source.add("b")
    source.statuses["a"] = replace(source.statuses["a"], remaining=3)
    clock.now_s += RENEW_AFTER_S - 0.01
    assert names(listed) == ["a"]
    clock.now_s += 0.01
    assert [(s.campaign.id, s.remaining) for s in listed.page("", 9).statuses] == [
        ("a", 3),
        ("b", 5),
    ]


def test_while_one_thread_asks_the_others_get_what_is_at_most_a_second_old(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add("a")
    assert names(listed) == ["a"]
    source.add("b")
    clock.now_s += AGE_S_MAX - 0.01
    beside: list[list[str]] = []
    look = source.look

    def slow(wanted: Sequence[str]) -> tuple[Sequence[str], Mapping[str, CampaignStatus]]:
        source.look = look  # type: ignore[method-assign] # the second thread asks by itself
        other = threading.Thread(target=lambda: beside.append(names(listed)))
        other.start()
        other.join()
        return look(wanted)

    source.look = slow  # type: ignore[method-assign] # a Redis that takes its time
    assert names(listed) == ["a", "b"]
    assert beside == [["a"]]
    clock.now_s += AGE_S_MAX
    source.look = slow  # type: ignore[method-assign] # the same, when the memory is too old
    source.add("c")
    names(listed)
    assert beside[-1] == ["a", "b", "c"]


def test_a_closed_campaign_is_shown_for_a_day(source: Source, listed: CampaignList) -> None:
    source.add("open", closed_for_ms=-5000)
    source.add("just-now", closed_for_ms=0)
    source.add("a-day-ago", closed_for_ms=SHOWN_AFTER_CLOSE_MS - 1)
    source.add("over", closed_for_ms=SHOWN_AFTER_CLOSE_MS)
    assert names(listed) == ["a-day-ago", "just-now", "open"]


def test_a_page_is_full_also_behind_campaigns_that_are_over(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add(*(f"a-{number:03}" for number in range(300)), closed_for_ms=SHOWN_AFTER_CLOSE_MS)
    source.add(*(f"b-{number:03}" for number in range(10)))
    page = listed.page("", 5)
    assert [s.campaign.id for s in page.statuses] == [f"b-{number:03}" for number in range(5)]
    assert page.next_after == "b-004"
    looks = len(source.looks)
    assert looks <= 8  # 5, 10, 20 … of them
    clock.now_s += 10  # once it is known which are over, one round trip is enough again
    assert names(listed, limit=5) == [f"b-{number:03}" for number in range(5)]
    assert len(source.looks) == looks + 1


def test_one_that_was_over_and_is_open_again_is_shown_within_half_a_second(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add("a", closed_for_ms=SHOWN_AFTER_CLOSE_MS)
    source.add("b")
    assert names(listed) == ["b"]
    source.add("a")
    clock.now_s += RENEW_AFTER_S
    assert names(listed) == ["a", "b"]


def test_a_page_looks_at_a_bounded_number_and_says_where_to_go_on(
    source: Source, listed: CampaignList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_list, "EXAMINED_MAX", 20)
    source.add(*(f"a-{number:03}" for number in range(50)), closed_for_ms=SHOWN_AFTER_CLOSE_MS)
    source.add("b")
    page = listed.page("", 5)
    assert (page.statuses, page.next_after) == ([], "a-019")
    page = listed.page("a-039", 5)
    assert ([s.campaign.id for s in page.statuses], page.next_after) == (["b"], None)


def test_one_that_is_listed_just_before_it_is_opened_is_left_out_and_seen_soon(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add("a", "c")
    source.unopened = {"b"}
    assert names(listed) == ["a", "c"]
    source.add("b")
    clock.now_s += RENEW_AFTER_S
    assert names(listed) == ["a", "b", "c"]


def test_one_that_leaves_the_list_is_forgotten(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add("a", "b")
    assert names(listed) == ["a", "b"]
    del source.statuses["a"]
    clock.now_s += RENEW_AFTER_S
    assert names(listed) == ["b"]
    assert set(listed._known) == {"b"}


def test_what_cannot_be_had_is_an_error_and_nothing_older_is_shown(
    source: Source, listed: CampaignList, clock: ManualClock
) -> None:
    source.add("a")
    assert names(listed) == ["a"]
    source.reachable = False
    clock.now_s += RENEW_AFTER_S
    for _ in range(2):
        with pytest.raises(UnavailableError):
            names(listed)
    source.reachable = True
    assert names(listed) == ["a"]


def test_a_process_that_changed_a_campaign_forgets_all(
    source: Source, listed: CampaignList
) -> None:
    source.add("a")
    assert names(listed) == ["a"]
    source.add("b")
    listed.forget()
    assert names(listed) == ["a", "b"]
