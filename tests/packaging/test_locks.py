"""requirements.txt and requirements/*.txt: whole, with hashes, made from what we write by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.package import lock, wheels
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "requirements"
LOCKS = {
    "runtime.in": ROOT / "requirements.txt",
    **{
        f"{name}.in": FOLDER / f"{name}.txt"
        for name in ("local", "dev", "traces", "infra", "helm", "load", "api", "venv")
    },
}
PARTS = ("local.in", "runtime.in", "traces.in")  # of dev.in: their environments hold the same files
PIP = re.compile(r"\bpip3? (-\S+ )*(install|download)\b")


def named(file: Path) -> dict[str, tuple[str, Requirement]]:
    """Return what a .in file and those that it includes name, by package, with the naming file."""
    found: dict[str, tuple[str, Requirement]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            found |= named(file.parent / text.removeprefix("-r "))
        elif text:
            wanted = Requirement(text)
            found[canonicalize_name(wanted.name)] = (file.name, wanted)
    return found


def named_by_the_lock(text: str) -> set[tuple[str, str]]:
    """Return the packages that a lock says a .in file names, each with that file."""
    blocks = re.findall(r"^([a-z0-9-]+)==.*\n((?: .*\n?)*)", text, re.MULTILINE)
    return {
        (name, file)
        for name, block in blocks
        for file in re.findall(r"-r requirements/([a-z]+\.in)", block)
    }


def disagreements(source: Path, text: str) -> list[str]:
    """Return where a lock does not follow from its .in file: (make lock)."""
    wanted = named(source)
    versions: dict[str, set[str]] = {}
    for one in lock.read(text):
        versions.setdefault(one.name, set()).add(one.version)
    wrong = [
        name
        for name, (_, requirement) in wanted.items()
        if not versions.get(name)
        or not all(requirement.specifier.contains(one) for one in versions[name])
    ]
    written = {(name, file) for name, (file, _) in wanted.items()}
    return sorted(wrong) + sorted(name for name, _ in written ^ named_by_the_lock(text))


def test_every_file_that_pip_installs_from_is_a_lock_of_a_file_written_by_hand() -> None:
    assert set(LOCKS.values()) == {ROOT / "requirements.txt", *FOLDER.glob("*.txt")}
    included = {"embedded.in"}  # a part of dev.in, which is installed alone nowhere
    assert {file.name for file in FOLDER.glob("*.in")} - set(LOCKS) == included


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_agrees_with_what_is_written_by_hand(name: str) -> None:
    text = LOCKS[name].read_text(encoding="utf-8")
    assert disagreements(FOLDER / name, text) == []


def test_control_another_version_and_a_package_too_few_or_too_many_are_noticed(
    tmp_path: Path,
) -> None:
    source = tmp_path / "runtime.in"
    own = (FOLDER / "runtime.in").read_text(encoding="utf-8")
    text = LOCKS["runtime.in"].read_text(encoding="utf-8")
    for changed, noticed in (
        (own.replace("\nredis==", "\nredis==1.0 #"), ["redis"]),
        (own.replace("\nredis==", "\n#"), ["redis"]),
        (own + "httpx==1.0\n", ["httpx", "httpx"]),
    ):
        source.write_text(changed, encoding="utf-8")
        assert disagreements(source, text) == noticed


@pytest.mark.parametrize("file", LOCKS.values(), ids=lambda file: file.name)
def test_a_lock_has_hashes_for_every_package_and_names_no_server(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert lock.read(text)  # anything else than a version with hashes is an error
    assert "://" not in text
    assert "index" not in re.sub(r"--hash\S+", "", text)


@pytest.mark.parametrize("name", PARTS)
def test_the_tests_run_on_the_very_files_that_are_deployed(name: str) -> None:
    tested = {one.name: one for one in lock.read(LOCKS["dev.in"].read_text(encoding="utf-8"))}
    for one in lock.read(LOCKS[name].read_text(encoding="utf-8")):
        assert (one.version, one.hashes) == (tested[one.name].version, tested[one.name].hashes)


def test_what_the_zip_leaves_out_is_in_the_lock_under_that_name() -> None:
    names = {one.name for one in lock.read(LOCKS["runtime.in"].read_text(encoding="utf-8"))}
    assert names >= wheels.LEFT_OUT


def pip_calls(text: str) -> list[str]:
    """Return each call of pip that installs or downloads, with its continued lines."""
    joined = re.sub(r"\\\n\s*", "", text)
    return [line for line in joined.splitlines() if PIP.search(line)]


def test_every_call_of_pip_requires_hashes() -> None:
    programs = ["Makefile", "local/Dockerfile", "local/setup.sh", ".ci/run"]
    workflows = [f".github/workflows/{file.name}" for file in (ROOT / ".github").rglob("*.yml")]
    calls = [
        call
        for name in (*programs, *workflows)
        for call in pip_calls((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert len(calls) >= 4
    assert [call for call in calls if "--require-hashes" not in call] == []
    assert pip_calls("pip install -q \\\n    redis") == ["pip install -q redis"]  # the control
