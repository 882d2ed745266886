"""The acceptor accepts what the protocol does, and names the guard of what it does not."""

from __future__ import annotations

import pytest

from local.harness.responses import ALREADY_APPLIED, SOLD_OUT
from tests.faults.acceptor.holding import Holding
from tests.faults.journals import FIRST, QUANTITY, Story, rejected

SECOND = "bbbb"


def test_the_way_of_a_coupon_is_accepted(story: Story) -> None:
    story.issues("ann", 1)
    story.issues("bob", 2)
    story.tells("eve", SOLD_OUT)
    assert story.verdict(quiet=True).first == ""


def test_an_emptied_redis_that_a_rebuild_filled_again_is_accepted(story: Story) -> None:
    story.issues("ann", 1)
    story.is_emptied()
    story.rebuilds(2, {"ann": 1}, end=1)
    story.issues("bob", 2, fence=2)
    assert story.verdict(quiet=True).first == ""


def test_a_record_that_came_too_late_and_became_no_row_is_accepted(story: Story) -> None:
    story.admits("ann", 1)
    story.is_emptied()
    story.rebuilds(2, {}, end=0)
    story.sends("ann", 1, fence=1)
    story.fails("ann", "SUPERSEDED", offset=0)
    story.fails("ann", "SUPERSEDED", offset=0, status="RESOLVED")
    story.issues("bob", 1, fence=2)
    assert story.verdict(quiet=True).first == ""


def test_a_row_that_apply_writes_without_kafka_is_accepted(story: Story) -> None:
    story.admits("ann", 1)
    story.writes("ann", 1)
    story.tells("ann", serial=1)
    story.settles("ann", 1)
    assert story.verdict(quiet=True).first == ""


def test_a_restart_that_forgot_the_last_admission_is_accepted(story: Story) -> None:
    story.issues("ann", 1)
    story.admits("bob", 2)
    story.history = SECOND
    story.shows(
        Holding({"ann": 1}, count=1, epoch=FIRST, fence=1, quantity=QUANTITY), history=SECOND
    )
    story.rebuilds(2, {"ann": 1}, end=1)
    assert story.verdict(quiet=True).first == ""


@pytest.mark.parametrize(("died_s", "is_accepted"), [(99.0, True), (None, False)])
def test_what_a_server_did_in_the_moment_before_it_was_killed_is_accepted_and_nothing_else(
    story: Story,
    died_s: float | None,
    is_accepted: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    story.issues("ann", 1)
    story.sends("bob", 2, fence=1)
    assert (": send: " not in story.verdict(died_s=died_s).first) == is_accepted


@pytest.mark.parametrize(("user", "serial", "fence"), [("bob", 1, 1), ("bob", 2, 2), ("ann", 2, 1)])
def test_in_that_moment_it_cannot_have_given_what_was_taken(
    story: Story, user: str, serial: int, fence: int
) -> None:
    story.issues("ann", 1)
    story.sends(user, serial, fence)
    assert ": send: " in story.verdict(died_s=99.0).first


@pytest.mark.parametrize(("fence", "guard"), [(1, ""), (2, "effect: fence is 2, not 1")])
def test_a_confirmation_may_write_its_own_fence_for_replicas_to_take_and_no_other(
    story: Story, fence: int, guard: str
) -> None:
    story.admits("ann", 1)
    story.sends("ann", 1, fence=1)
    story.confirms(1, writes=fence)
    assert guard in story.verdict().first
    assert bool(guard) == bool(story.verdict().first)


def test_what_redis_did_in_the_moment_before_it_was_killed_may_be_unseen(story: Story) -> None:
    story.admits("ann", 1)
    story.sends("ann", 1, fence=1)
    story.tells("ann", serial=1)
    assert "CONFIRMED" in story.verdict().first
    assert story.verdict(died_s=story.now_s - 1).first == ""


def test_an_unseen_admission_that_the_restarted_redis_still_has_is_accepted(story: Story) -> None:
    story.history = SECOND
    lost = Holding({"ann": 1}, {"ann"}, count=1, epoch=FIRST, fence=1, quantity=QUANTITY)
    story.shows(lost, history=SECOND)
    story.sends("ann", 1, fence=1)
    assert story.verdict().first == ""


def test_a_journal_with_a_gap_is_neither_accepted_nor_rejected(story: Story) -> None:
    story.admits("ann", 1, pending=False)
    verdict = story.verdict(gaps=("the topic cannot be read",))
    assert (verdict.first, verdict.events) == ("", 0)
    assert verdict.gaps


def test_a_redis_whose_state_was_never_seen_is_a_gap(story: Story) -> None:
    del story.redis[0]
    assert story.verdict().gaps


def test_an_admission_that_is_not_pending_is_rejected(story: Story) -> None:
    story.admits("ann", 1, pending=False)
    rejected(story, "effect", "admission/admit(1, 0, 0, , , , ann")


def test_a_serial_that_is_not_the_next_one_is_rejected(story: Story) -> None:
    story.admits("ann", 2)
    rejected(story, "take_serial")


def test_a_second_serial_of_a_user_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.admits("ann", 2)
    rejected(story, "ALREADY_APPLIED")


def test_an_admission_while_a_rebuild_has_the_campaign_is_rejected(story: Story) -> None:
    story.raises_fence(2)
    story.begins(2)
    story.admits("ann", 1)
    rejected(story, "OPEN")


def test_an_admission_in_a_history_that_no_rebuild_has_opened_is_rejected(story: Story) -> None:
    story.shows(Holding(epoch=FIRST, fence=1, quantity=QUANTITY), history=SECOND)
    story.admits("ann", 1)
    rejected(story, "OPEN")


def test_a_history_under_the_name_of_an_earlier_one_is_rejected(story: Story) -> None:
    story.shows(Holding(epoch=FIRST, fence=1, quantity=QUANTITY), history=SECOND)
    story.shows(Holding(epoch=FIRST, fence=1, quantity=QUANTITY), history=FIRST)
    rejected(story, "NEW_HISTORY")


def test_a_confirmation_of_another_fence_is_rejected(story: Story) -> None:
    story.confirms(2)
    rejected(story, "CONFIRMED")


def test_accepted_without_a_confirmation_is_rejected_although_the_row_comes(story: Story) -> None:
    story.admits("ann", 1)
    story.sends("ann", 1, fence=1)
    story.tells("ann", serial=1)
    story.writes("ann", 1)
    rejected(story, "CONFIRMED", "ann received ACCEPTED 1")


def test_accepted_without_a_record_in_the_topic_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.confirms(1)
    story.tells("ann", serial=1)
    rejected(story, "CONFIRMED")


def test_already_applied_of_an_admission_that_is_not_safe_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.tells("ann", ALREADY_APPLIED, 1)
    rejected(story, "CONFIRMED")


def test_sold_out_while_a_serial_is_left_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.tells("bob", SOLD_OUT)
    rejected(story, "take_serial")


def test_a_row_of_a_late_record_is_rejected_also_where_no_other_user_has_the_serial(
    story: Story,
) -> None:
    story.admits("ann", 1)
    story.is_emptied()
    story.rebuilds(2, {}, end=0)
    story.sends("ann", 1, fence=1)
    story.writes("ann", 1)
    rejected(story, "MAY_WRITE", "RowWritten")


def test_a_direct_write_under_an_earlier_fence_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.raises_fence(2)
    story.writes("ann", 1)
    rejected(story, "MAY_WRITE")


def test_a_row_above_the_quantity_is_rejected(story: Story) -> None:
    story.sends("forger", 3, fence=0)
    story.writes("forger", 3)
    rejected(story, "P1_one_too_many")


def test_a_serial_that_is_settled_before_its_row_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.settles("ann", 1)
    rejected(story, "HAS_INDEX")


def test_a_record_that_was_in_time_and_is_refused_as_late_is_rejected(story: Story) -> None:
    story.admits("ann", 1)
    story.sends("ann", 1, fence=1)
    story.fails("ann", "SUPERSEDED", offset=0)
    rejected(story, "late")


def test_a_record_that_no_redis_has_admitted_is_rejected(story: Story) -> None:
    story.sends("ann", 1, fence=1)
    rejected(story, "send")


def test_an_effect_that_no_event_shows_is_rejected(story: Story) -> None:
    story.shows(Holding({"ann": 1}, count=1, epoch=FIRST, fence=1, quantity=QUANTITY))
    rejected(story, "effect", "applied is {'ann': 1}, not {}")


def test_a_script_that_the_model_does_not_have_is_rejected(story: Story) -> None:
    story.script("reconciliation/give_back", ("1", "1"), ("RPUSH", "returned", "1"))
    rejected(story, "no action")


def test_the_first_of_several_rejections_is_named(story: Story) -> None:
    story.admits("ann", 2)
    story.admits("bob", 1)
    verdict = story.verdict()
    assert len(verdict.rejected) == 2
    assert "ann" in verdict.first


@pytest.mark.parametrize("sign", ["pending_for_good", "P3_accepted_without_coupon"])
def test_what_is_left_at_quiet_is_rejected(story: Story, sign: str) -> None:
    story.admits("ann", 1)
    story.sends("ann", 1, fence=1)
    story.confirms(1)
    if sign.startswith("P3"):
        story.script(
            "admission/settle", ("coupon", "1", "0", "ann", "1"), ("ZREM", "pending", "ann")
        )
        story.tells("ann", serial=1)
    assert any(sign in why for _, why in story.verdict(quiet=True).rejected)
