"""The acceptor judges coupons that are used and end, places that are returned, and changes."""

from __future__ import annotations

import pytest

from tests.faults.acceptor.events import (
    CampaignChanged,
    CouponChanged,
    PlaceReturned,
    Snapshot,
)
from tests.faults.acceptor.holding import Holding
from tests.faults.journals import FIRST, QUANTITY, Story, rejected


def changes(story: Story, user: str, serial: int, before: str, state: str) -> None:
    changed = CouponChanged(
        story.tick(), user, serial, before, state, given_back=False, is_same_order=False
    )
    story.mysql.append(changed)


def gives_back(story: Story, user: str, serial: int) -> None:
    given = CouponChanged(
        story.tick(), user, serial, "ISSUED", "REVOKED", given_back=True, is_same_order=True
    )
    story.mysql += [given, PlaceReturned(story.tick(), 1)]


def returns(story: Story, user: str, serial: int, *, announces: bool = False) -> None:
    """Redis gives the first place that was returned."""
    held = ("ZADD", "applied_user", f"{serial}", f" {serial}"), ("ZREM", "applied_user", user)
    raised = [] if announces else [("HSET", "campaign", "places_returned", "1")]
    args = "1", "0", "1", "5000", "", user, f"{serial}"
    self_held = [*held, ("ZREM", "pending", user)]
    story.script("campaign/return_places", args, *self_held, *raised)


def pauses(story: Story) -> None:
    args = "1", "1", "a change", "", "", "", "1"
    story.script("change/narrow", args, ("HSET", "campaign", "change", "a change", "paused", "1"))


def pushes_pause(story: Story, version: int, paused: str) -> None:
    fields = "quantity", f"{QUANTITY}", "paused", paused, "version", f"{version}"
    args = "1", f"{version}", f"{QUANTITY}", "9", "", "600", *fields
    done = ("HSET", "campaign", *fields), ("HDEL", "campaign", "change", "widening_until_ms")
    story.script("change/push", args, *done)


def has_releases(story: Story, at_ms: int) -> None:
    """The first coupon is released at once, the other at a time of Redis's clock."""
    releases = f"[[0,1],[{at_ms},{QUANTITY - 1}]]"
    held = Holding(epoch=FIRST, fence=1, quantity=QUANTITY, releases=releases)
    story.redis[-1] = Snapshot(story.tick(), FIRST, held)
    story.redis[0] = story.redis.pop()


def narrows(story: Story, quantity: int) -> None:
    args = "1", "1", "a change", f"{quantity}", "", "", ""
    fields = "change", "a change", "quantity", f"{quantity}"
    story.script("change/narrow", args, ("HSET", "campaign", *fields))


def pushes(story: Story, version: int, quantity: int) -> None:
    fields = "quantity", f"{quantity}", "version", f"{version}"
    args = "1", f"{version}", f"{quantity}", "9", "", "600", *fields
    done = ("HSET", "campaign", *fields), ("HDEL", "campaign", "change", "widening_until_ms")
    story.script("change/push", args, *done)


def test_a_place_that_was_given_back_goes_to_the_next_and_its_user_may_apply_again(
    story: Story,
) -> None:
    story.issues("ann", 1)
    story.issues("bob", 2)
    gives_back(story, "ann", 1)
    returns(story, "ann", 1, announces=True)
    returns(story, "ann", 1)
    story.issues("ann", 3)
    assert story.verdict(quiet=True).first == ""


def test_a_place_that_mysql_has_not_returned_is_given_to_none(story: Story) -> None:
    story.issues("ann", 1)
    returns(story, "ann", 1)
    rejected(story, "places", "return_places")


def test_a_place_that_redis_does_not_know_of_is_missing_at_quiet(story: Story) -> None:
    story.issues("ann", 1)
    gives_back(story, "ann", 1)
    assert "coupon_unknown_to_redis" in story.verdict(quiet=True).first


def test_a_coupon_that_has_ended_does_not_end_again(story: Story) -> None:
    story.issues("ann", 1)
    changes(story, "ann", 1, "ISSUED", "REVOKED")
    changes(story, "ann", 1, "REVOKED", "REVOKED")
    rejected(story, "STILL_SO")


def test_a_place_is_returned_once_for_each_coupon_that_has_ended(story: Story) -> None:
    story.issues("ann", 1)
    gives_back(story, "ann", 1)
    story.mysql.append(PlaceReturned(story.tick(), 2))
    rejected(story, "place_not_given_once")


def test_a_serial_above_the_quantity_and_the_places_is_rejected(story: Story) -> None:
    story.issues("ann", 1)
    gives_back(story, "ann", 1)
    returns(story, "ann", 1)
    story.issues("bob", 2)
    story.issues("cid", 3)
    story.admits("dan", 4)
    rejected(story, "take_serial", "admission/admit")


def test_a_settle_does_not_give_a_coupon_that_was_given_back_to_its_user(story: Story) -> None:
    story.issues("ann", 1)
    gives_back(story, "ann", 1)
    returns(story, "ann", 1)
    args = "coupon", "1", "0", "ann", "1"
    story.script("admission/settle", args, ("ZADD", "applied_user", "1", "ann"))
    rejected(story, "effect", "admission/settle")


@pytest.mark.parametrize("state", ["USED", "RESERVED", "REVOKED"])
def test_a_used_coupon_is_only_cancelled(story: Story, state: str) -> None:
    story.issues("ann", 1)
    changes(story, "ann", 1, "ISSUED", "RESERVED")
    changes(story, "ann", 1, "RESERVED", "USED")
    changes(story, "ann", 1, "USED", "ISSUED")
    assert story.verdict().first == ""
    changes(story, "ann", 1, "ISSUED", "USED")
    changes(story, "ann", 1, "USED", state)
    rejected(story, "MAY_REVOKE" if state == "REVOKED" else "AS_READ")


def test_a_quantity_that_is_narrowed_made_and_pushed_is_accepted(story: Story) -> None:
    story.issues("ann", 1)
    narrows(story, 1)
    story.mysql.append(CampaignChanged(story.tick(), 2, 1))
    pushes(story, 2, 1)
    assert story.verdict(quiet=True).first == ""


def test_a_quantity_below_a_serial_that_was_given_is_rejected(story: Story) -> None:
    story.issues("ann", 1)
    story.issues("bob", 2)
    narrows(story, 1)
    rejected(story, "HAS_ROOM", "change/narrow")


def test_a_change_under_the_fence_of_a_later_rebuild_is_rejected(story: Story) -> None:
    narrows(story, 1)
    story.is_emptied()
    story.rebuilds(2, {}, end=0)
    story.mysql.append(CampaignChanged(story.tick(), 2, 1))
    rejected(story, "MAY_CHANGE")


def test_a_change_that_mysql_never_had_is_not_pushed(story: Story) -> None:
    narrows(story, 1)
    pushes(story, 2, 1)
    rejected(story, "its_version", "change/push")


def test_a_change_that_stays_noted_is_rejected_at_quiet(story: Story) -> None:
    narrows(story, 1)
    assert "change_left_half_done" in story.verdict(quiet=True).first


def test_a_rebuild_opens_with_a_quantity_that_mysql_has_had(story: Story) -> None:
    story.is_emptied()
    story.raises_fence(2)
    story.begins(2)
    story.stores_end(2, 0)
    row = "quantity", f"{QUANTITY + 1}"
    fields = "epoch", FIRST, "fence", "2", *row
    story.script("rebuild/reopen", ("1", "2", *row), ("HSET", "campaign", *fields))
    rejected(story, "read_row_of_campaign", "rebuild/reopen")


def test_a_pause_that_is_noted_made_and_pushed_is_accepted(story: Story) -> None:
    story.issues("ann", 1)
    pauses(story)
    story.mysql.append(CampaignChanged(story.tick(), 2, QUANTITY, is_paused=True))
    pushes_pause(story, 2, "1")
    assert story.verdict(quiet=True).first == ""


@pytest.mark.parametrize("is_pushed", [False, True])
def test_an_admission_while_it_is_paused_is_rejected(
    story: Story,
    is_pushed: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    pauses(story)
    story.mysql.append(CampaignChanged(story.tick(), 2, QUANTITY, is_paused=True))
    if is_pushed:
        pushes_pause(story, 2, "1")
    story.issues("ann", 1)
    rejected(story, "PAUSED", "admission/admit")


def test_a_pause_that_mysql_never_had_is_not_pushed(story: Story) -> None:
    pauses(story)
    story.mysql.append(CampaignChanged(story.tick(), 2, QUANTITY, is_paused=False))
    pushes_pause(story, 2, "1")
    rejected(story, "its_version", "change/push")


def test_a_rebuild_that_forgets_a_pause_is_rejected(story: Story) -> None:
    pauses(story)
    story.mysql.append(CampaignChanged(story.tick(), 2, QUANTITY, is_paused=True))
    pushes_pause(story, 2, "1")
    story.is_emptied()
    story.raises_fence(2)
    story.begins(2)
    story.stores_end(2, 0)
    row = "quantity", f"{QUANTITY}", "paused", "", "version", "2"
    fields = "epoch", FIRST, "fence", "2", *row
    story.script("rebuild/reopen", ("1", "2", *row), ("HSET", "campaign", *fields))
    rejected(story, "read_row_of_campaign", "rebuild/reopen")


@pytest.mark.parametrize(("at_ms", "is_accepted"), [(1_000, True), (1_000_000, False)])
def test_a_serial_is_given_only_once_it_is_released(
    story: Story,
    at_ms: int,
    is_accepted: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    has_releases(story, at_ms)
    story.issues("ann", 1)
    story.issues("bob", 2)
    if is_accepted:
        assert story.verdict().first == ""
    else:
        rejected(story, "LIMIT_NOW", "admission/admit")
