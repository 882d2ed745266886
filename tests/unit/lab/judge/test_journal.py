"""The journal of a process, also of one that was killed while it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.judge.journal import Journal, read

if TYPE_CHECKING:
    from pathlib import Path


def test_what_several_processes_wrote_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    first, second = Journal(tmp_path, "app 1"), Journal(tmp_path, "consumer")
    first.note("Redis", "INCR coupon_count", "1", "kim-minji")
    second.note("MySQL", "COMMIT")
    first.note("", "answer", "accepted", "kim-minji")
    first.close()
    second.close()
    texts = [(call.actor, call.text) for call in read(tmp_path)]
    assert texts == [("app 1", "INCR coupon_count"), ("consumer", "COMMIT"), ("app 1", "answer")]


def test_a_line_that_was_cut_by_a_kill_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "app 3")
    journal.note("Redis", "SADD applied_user kim-minji", "1", "kim-minji")
    journal.close()
    [file] = tmp_path.iterdir()
    file.write_text(file.read_text() + '{"at_s": 5, "actor": "app')
    assert [call.text for call in read(tmp_path)] == ["SADD applied_user kim-minji"]
