"""What the programs note of a history for its check: one line for each thing that was decided.

The check knows the responses and the rows. It needs these notes to know which history of Redis gave
a serial, and the campaign needs them to show that it reaches every path.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.domain.admission import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from handlers.domain.admission import Admission, Applicant
    from handlers.domain.campaign import Campaign
    from handlers.domain.coupon import CouponAccepted
    from handlers.domain.errors import UnavailableError

JOURNAL = "noted.journal"


class Note(StrEnum):
    """The kind of a line: its first word; the second one is what it is about."""

    ADMITTED = "admitted"  # campaign user serial fence
    CONFIRMED = "confirmed"  # campaign user
    UNCONFIRMED = "unconfirmed"  # campaign user
    WRITTEN = "written"  # campaign user: by apply itself
    UNWRITTEN = "unwritten"  # campaign user
    OPENED = "opened"  # campaign fence seconds (monotonic, the same for all processes)
    GIVEN_BACK = "given-back"  # key of the campaign's given-back serials, serial


@dataclass(slots=True)
class Noted:
    """The notes on one campaign."""

    how_often: Counter[str]
    givers: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    opened_at: dict[int, float] = field(default_factory=dict)
    given_back: set[int] = field(default_factory=set)


def read(journal: Path, campaign_id: str) -> Noted:
    """Return what the programs noted of one campaign."""
    noted = Noted(Counter())
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    for kind, about, *rest in (line.split() for line in lines):
        if about not in {campaign_id, CampaignKeys.of(campaign_id).returned}:
            continue
        noted.how_often[kind] += 1
        if kind == Note.ADMITTED:
            user, serial, fence = rest
            noted.givers.setdefault((user, int(serial)), set()).add(int(fence))
        elif kind == Note.OPENED:
            noted.opened_at[int(rest[0])] = float(rest[1])
        elif kind == Note.GIVEN_BACK:
            noted.given_back.add(int(rest[0]))
    return noted


def follow(journal: Path) -> None:
    """Let this program's adapters note what they decide."""
    _Writer(journal).wrap()


class _Writer:
    def __init__(self, journal: Path) -> None:
        self._journal = journal

    def wrap(self) -> None:
        """Before the named points: a program that dies at one has noted what came before."""
        self._wrap_admissions()
        self._wrap_direct_writes()
        self._wrap_rebuild()

    def _wrap_admissions(self) -> None:
        admit_all, confirm_all = Admissions.admit_all, Admissions.confirm_all

        def admitted(
            owner: Admissions, applicants: Sequence[Applicant]
        ) -> list[Admission | UnavailableError]:
            decided = admit_all(owner, applicants)
            self._note(
                (Note.ADMITTED, applicant.campaign_id, applicant.user_id, one.serial, one.fence)
                for applicant, one in zip(applicants, decided, strict=True)
                if not isinstance(one, Exception) and one.outcome is Outcome.ACCEPTED
            )
            return decided

        def confirmed(
            owner: Admissions, messages: Sequence[CouponAccepted], deadline: float
        ) -> list[bool]:
            replies = confirm_all(owner, messages, deadline)
            self._note(
                (Note.CONFIRMED if reply else Note.UNCONFIRMED, one.campaign_id, one.user_id)
                for one, reply in zip(messages, replies, strict=True)
            )
            return replies

        Admissions.admit_all = admitted  # type: ignore[method-assign, assignment]
        Admissions.confirm_all = confirmed  # type: ignore[method-assign, assignment]

    def _wrap_direct_writes(self) -> None:
        write_direct = Ledger.write_direct

        def noted(owner: Ledger, messages: Sequence[CouponAccepted]) -> set[CouponAccepted]:
            written = write_direct(owner, messages)
            self._note(
                (Note.WRITTEN if one in written else Note.UNWRITTEN, one.campaign_id, one.user_id)
                for one in messages
            )
            return written

        Ledger.write_direct = noted  # type: ignore[method-assign, assignment]

    def _wrap_rebuild(self) -> None:
        gaps, reopen = RedisRebuild._gaps, RedisRebuild.reopen

        def given_back(owner: RedisRebuild, keys: CampaignKeys) -> Iterator[range]:
            for gap in gaps(owner, keys):
                self._note((Note.GIVEN_BACK, keys.returned, serial) for serial in gap)
                yield gap

        def reopened(owner: RedisRebuild, campaign: Campaign, fence: int) -> None:
            reopen(owner, campaign, fence)
            self._note([(Note.OPENED, campaign.id, fence, time.monotonic())])

        RedisRebuild._gaps = given_back  # type: ignore[method-assign, assignment]
        RedisRebuild.reopen = reopened  # type: ignore[method-assign, assignment]

    def _note(self, lines: Iterable[tuple[object, ...]]) -> None:
        # One write: the lines of several processes do not mix.
        with self._journal.open("a", encoding="utf-8") as file:
            file.write("".join(f"{' '.join(map(str, line))}\n" for line in lines))
