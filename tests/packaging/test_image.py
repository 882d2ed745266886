"""local/Dockerfile and .dockerignore: what the image contains, and how it runs."""

from __future__ import annotations

import json
import re

from tests.support.paths import ROOT

INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(
        r"\\\n\s*", "", (ROOT / "local" / "Dockerfile").read_text(encoding="utf-8")
    ).splitlines()
    if line and not line.startswith("#")
]
FINAL_STAGE = INSTRUCTIONS[
    max(number for number, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :
]
IGNORE_LINES = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def sources_from_the_repository() -> list[str]:
    copies = [rest.split() for word, rest in INSTRUCTIONS if word == "COPY"]
    return [source for copy in copies if not copy[0].startswith("--") for source in copy[:-1]]


def test_every_file_that_the_image_copies_exists() -> None:
    sources = sources_from_the_repository()
    assert {"app.py", "handlers", "local", ".chalice/config.json"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_build_context_holds_what_the_image_copies_and_nothing_else() -> None:
    assert "*" in IGNORE_LINES
    let_in = {line[1:] for line in IGNORE_LINES if line.startswith("!")}
    assert let_in == set(sources_from_the_repository())
    assert "local/.env" in IGNORE_LINES[IGNORE_LINES.index("!local") :]


def test_both_stages_have_one_pinned_base() -> None:
    bases = {rest.split()[0] for word, rest in INSTRUCTIONS if word == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases.pop())


def test_the_image_runs_as_a_numbered_user_and_starts_its_program_without_a_shell() -> None:
    words = dict(FINAL_STAGE)
    assert words["USER"] == "10001:10001"
    assert json.loads(words["CMD"])[:2] == ["python", "-m"]


def test_the_final_stage_installs_nothing() -> None:
    runs = [rest for word, rest in FINAL_STAGE if word == "RUN"]
    assert [rest for rest in runs if re.search(r"\b(pip|apt-get|apt|curl|wget)\b", rest)] == []
