"""The phases of an apply, wired wrongly: mypy reports each wrong type."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
from collections.abc import Iterator, Sequence

from handlers import wiring
from handlers.apply import (
    _admit, _Application, _authenticate, _decide, _hand_over, _publish, _write
)
from handlers.domain.admission import Applicant
from handlers.domain.coupon import OutgoingMessage
from handlers.edge.http.endpoint import Event, Response
from handlers.tracing.asking import ask
"""
RIGHT = f"""{HEAD}
def called(
    applications: list[_Application], applicants: list[Applicant], messages: list[OutgoingMessage]
) -> None:
    wiring.admissions().admit_all(applicants)
    wiring.publisher().publish_all(messages)
    ask(_decide, applications)
    ask(_hand_over, messages)

def batch(events: Sequence[Event]) -> Iterator[tuple[int, Response]]:
    applications = yield from _authenticate(events)
    admitted = yield from _admit(applications)
    unsafe = yield from _publish(admitted)
    yield from _write(unsafe)
"""
WRONG = f"""{HEAD}
def called(applicants: list[Applicant], messages: list[OutgoingMessage]) -> None:
    wiring.admissions().admit_all(messages)
    wiring.publisher().publish_all(applicants)
    ask(_hand_over, applicants)

def batch(events: Sequence[Event]) -> Iterator[tuple[int, Response]]:
    applications = yield from _authenticate(events)
    yield from _publish(applications)
    admitted = yield from _admit(applications)
    yield from _write(admitted)
    unsafe = yield from _publish(admitted)
    yield from _publish(unsafe)
    yield from _admit(admitted)
"""
# The given and the expected type of each wrong line, from top to bottom.
MISTAKES = [
    ("list[OutgoingMessage]", "Sequence[Applicant]"),
    ("list[Applicant]", "Sequence[OutgoingMessage]"),
    (
        "Callable[[list[OutgoingMessage]], Sequence[bool]]",
        "Callable[[list[Applicant]], Sequence[bool]]",
    ),
    ("list[_Application]", "list[_Admitted]"),
    ("list[_Admitted]", "list[_Unsafe]"),
    ("list[_Unsafe]", "list[_Admitted]"),
    ("list[_Admitted]", "list[_Application]"),
]
MISTAKE = re.compile(r'has incompatible type "(.+)"; expected "(.+)"  \[arg-type\]')


def test_a_call_of_the_wrong_server_or_a_wrong_order_of_phases_is_a_type_error(
    tmp_path: Path,
) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(RIGHT, encoding="utf-8")
    wrong.write_text(WRONG, encoding="utf-8")
    # With the settings and the cache of `make lint`: a second in place of several.
    command = [sys.executable, "-m", "mypy", "--no-error-summary", str(right), str(wrong)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = checked.stdout.splitlines()
    # The control: in the right order there are no errors.
    assert [line for line in errors if "wrong.py:" not in line] == [], checked.stderr
    assert MISTAKE.findall(checked.stdout) == MISTAKES, checked.stdout + checked.stderr
    assert len(errors) == len(MISTAKES), checked.stdout
