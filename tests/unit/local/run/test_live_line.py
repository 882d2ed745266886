"""A line in place on a terminal, plain lines on a pipe."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from local.run.live_line import LiveLine


def shown(*, terminal: bool) -> str:
    file = io.StringIO()
    # Of a pipe, a run says nothing either.
    colours = {"force_terminal": True, "color_system": "standard"} if terminal else {}
    console = Console(file=file, width=60, **colours)  # type: ignore[arg-type]
    with LiveLine(console) as live:
        live.show(Text("first " * 20, "green"), stays=True)
        live.show(Text("second"), stays=False)
    return file.getvalue()


def test_a_pipe_gets_one_whole_line_each_time_and_no_colours() -> None:
    first, second = shown(terminal=False).splitlines()
    assert first.count("first") == 20
    assert second.endswith("  second")
    assert "\x1b" not in first + second


def test_on_a_terminal_one_line_changes_and_the_one_that_stays_is_above_it() -> None:
    text = shown(terminal=True)
    assert "\x1b[32m" in text
    assert "\x1b[2K" in text  # the line is cleared and written again
    assert text.count("first " * 5) >= 2
    assert "second" in text
