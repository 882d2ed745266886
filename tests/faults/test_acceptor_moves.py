"""The acceptor judges a server that gives a campaign to another one, and one that gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.acceptor.events import Snapshot
from tests.faults.acceptor.holding import Holding
from tests.faults.journals import FIRST, QUANTITY, rejected

if TYPE_CHECKING:
    from tests.faults.journals import Story

SECOND = "bbbb"
WITH_ANN = Holding({"ann": 1}, count=1, epoch=FIRST, fence=1, quantity=QUANTITY)


def returned(story: Story, holding: Holding) -> None:
    """Let the server decide again in its own history: the slot came back."""
    story.redis.append(Snapshot(story.tick(), FIRST, holding, begins=True))


def test_a_server_that_decides_again_has_what_another_one_has_given_it(story: Story) -> None:
    story.issues("ann", 1)
    story.admits("bob", 2)
    story.leaves()
    returned(story, WITH_ANN)
    story.admits("cid", 2)
    assert story.verdict().first == ""


def test_without_having_left_it_has_what_it_had(story: Story) -> None:
    story.issues("ann", 1)
    story.admits("bob", 2)
    returned(story, WITH_ANN)
    rejected(story, "effect", "all that Redis has")


def test_what_it_gets_back_is_open_only_in_its_own_history(story: Story) -> None:
    story.leaves()
    returned(story, Holding(epoch=SECOND, fence=2, quantity=QUANTITY))
    story.admits("ann", 1)
    rejected(story, "OPEN", "admission/admit")


def test_a_rebuild_may_begin_before_a_snapshot_shows_a_promoted_server(story: Story) -> None:
    story.leaves()
    story.history = SECOND
    story.raises_fence(2)
    story.begins(2)
    story.stores_end(2, 0)
    closed = Holding(epoch=SECOND, builder=2, fence=1, quantity=QUANTITY)
    story.redis.append(Snapshot(story.tick(), SECOND, closed, begins=True))
    story.opens(2)
    story.issues("ann", 1, fence=2)
    verdict = story.verdict()
    assert (verdict.first, verdict.gaps) == ("", ())


def test_before_that_snapshot_a_rebuild_needs_its_fence_and_a_settle_its_row(story: Story) -> None:
    story.leaves()
    story.settles("ann", 1)
    rejected(story, "HAS_INDEX", "admission/settle")
    story.writes("ann", 1)
    assert "HAS_INDEX" not in story.verdict().first
    story.history = SECOND
    story.begins(2)
    assert any("FENCE_FIRST" in line for line in story.verdict().lines())


def test_an_admission_before_that_snapshot_is_a_gap(story: Story) -> None:
    story.leaves()
    story.admits("ann", 1)
    [gap] = story.verdict().gaps
    assert gap.startswith("what Redis had before: admission/admit")


def test_what_only_reads_before_that_snapshot_is_none(story: Story) -> None:
    story.leaves()
    story.script("admission/admit", ("1", "0", "0", "ann", ""), ("HMGET", "campaign", "epoch"))
    assert story.verdict().gaps == ()
