"""local/Dockerfile and .dockerignore: what the image contains, and how it runs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

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


def copied_to() -> dict[str, str]:
    """Return the source of every file that a COPY puts under the working directory, by its path."""
    found = {}
    for word, rest in INSTRUCTIONS:
        *sources, target = rest.split()
        if word == "COPY" and not rest.startswith("--") and not target.startswith("/"):
            for source in sources:
                name = Path(source).name if target.endswith("/") else ""
                found[os.path.normpath(os.path.join(target, name))] = source  # noqa: PTH118
    return found


def missing_requirements(copied: dict[str, str]) -> list[str]:
    """Return the files that pip would look for in the builder and not find."""
    install = next(rest for word, rest in INSTRUCTIONS if word == "RUN" and "pip install" in rest)
    wanted, missing = re.findall(r"--requirement (\S+)", install), []
    assert wanted
    for path in wanted:
        if path not in copied:
            missing.append(path)
            continue
        text = (ROOT / copied[path]).read_text(encoding="utf-8")
        nested = re.findall(r"^-r (\S+)", text, re.MULTILINE)
        wanted += [os.path.normpath(Path(path).parent / one) for one in nested]
    return missing


def test_pip_finds_every_file_of_requirements_in_the_builder() -> None:
    copied = copied_to()
    assert missing_requirements(copied) == []
    # The control: a COPY into another folder.
    flat = {Path(path).name: source for path, source in copied.items()}
    assert missing_requirements(flat) == ["requirements/local.txt"]


def test_the_programs_user_may_read_what_a_strict_umask_has_hidden() -> None:
    texts = [" ".join(words) for words in INSTRUCTIONS]
    readable = next(n for n, text in enumerate(texts) if "chmod -R a+rX /srv" in text)
    copies = [n for n, text in enumerate(texts) if text.startswith("COPY") and " /srv/" in text]
    assert max(copies) < readable < texts.index("COPY --from=builder /srv /srv")


def test_both_stages_have_one_pinned_base() -> None:
    bases = {rest.split()[0] for word, rest in INSTRUCTIONS if word == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", bases.pop())


def test_the_image_runs_as_a_numbered_user_and_starts_its_program_without_a_shell() -> None:
    words = dict(FINAL_STAGE)
    assert words["USER"] == "10001:10001"
    assert json.loads(words["CMD"])[:2] == ["python", "-m"]


def test_the_final_stage_installs_nothing() -> None:
    runs = [rest for word, rest in FINAL_STAGE if word == "RUN"]
    assert [rest for rest in runs if re.search(r"\b(pip|apt-get|apt|curl|wget)\b", rest)] == []
