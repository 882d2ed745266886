"""Asks a vulnerability database about every version of every lock, with pip-audit.

Exit code 0: all versions were asked about, and nothing is known against them. 1: something is known
about at least one. 3: nothing was found, but not all could be asked about, because no database
answered. 2: wrong options. 130: interrupted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.package import lock
from infra.package.errors import PackageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROJECT = Path(__file__).resolve().parents[2]
EXIT_KNOWN, EXIT_NOT_ASKED, EXIT_INTERRUPTED = 1, 3, 130
ANSWER_TIMEOUT_S = 15
# pip-audit asks about one version at a time; this is for all of them over a slow connection.
AUDIT_TIMEOUT_S = 900

Locks = dict[lock.Locked, list[str]]  # each version, with the locks that have it


@dataclass(slots=True)
class Findings:
    """What is known about some versions, and which could not be asked about, and why."""

    known: list[tuple[lock.Locked, dict[str, Any]]] = field(default_factory=list)
    not_asked: list[tuple[lock.Locked, str]] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        locked = _locked(options.lock or _every_lock())
        _say(f"asking about {len(locked)} versions …")
        findings = Findings()
        for versions in _rounds(locked):
            _ask(versions, _service(options), findings)
    except (PackageError, OSError) as error:
        _say(str(error))
        return EXIT_NOT_ASKED
    except KeyboardInterrupt:
        _say("interrupted")
        return EXIT_INTERRUPTED
    return _report(findings, locked)


def _every_lock() -> list[Path]:
    return [PROJECT / "requirements.txt", *sorted((PROJECT / "requirements").glob("*.txt"))]


def _locked(files: Iterable[Path]) -> Locks:
    """Return every version, also those for another platform than this one."""
    found: dict[tuple[str, str], tuple[lock.Locked, list[str]]] = {}
    for file in files:
        where = str(file.relative_to(PROJECT)) if file.is_relative_to(PROJECT) else str(file)
        for one in lock.read(file.read_text(encoding="utf-8")):
            everywhere = lock.Locked(one.name, one.version, "", one.hashes)
            found.setdefault((one.name, one.version), (everywhere, []))[1].append(where)
    return dict(found.values())


def _rounds(locked: Iterable[lock.Locked]) -> list[list[lock.Locked]]:
    """Share the versions out: pip-audit takes one version of a package at a time."""
    rounds: dict[int, list[lock.Locked]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for one in locked:
        rounds[seen[one.name]].append(one)
        seen[one.name] += 1
    return list(rounds.values())


def _ask(versions: Sequence[lock.Locked], service: Sequence[str], findings: Findings) -> None:
    """Ask about the versions and add what is known to `findings`."""
    answer = _pip_audit(versions, service)
    if isinstance(answer, str):
        findings.not_asked += [(one, answer) for one in versions]
        return
    answered = {one["name"]: one for one in answer["dependencies"]}
    for version in versions:
        about = answered.get(version.name, {"skip_reason": "pip-audit says nothing about it"})
        # An index that does not know a package is no answer: pip-audit itself would call it good.
        if "skip_reason" in about:
            findings.not_asked.append((version, about["skip_reason"]))
        else:
            findings.known += [(version, known) for known in about["vulns"]]


def _pip_audit(versions: Sequence[lock.Locked], service: Sequence[str]) -> dict[str, Any] | str:
    """Return pip-audit's answer, or its last words where it has none."""
    with tempfile.TemporaryDirectory() as folder:
        requirements, answer = Path(folder) / "requirements.txt", Path(folder) / "answer.json"
        requirements.write_text("\n".join(one.line for one in versions) + "\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
            *("--requirement", str(requirements), "--format", "json", "--output", str(answer)),
            *("--progress-spinner", "off", "--timeout", str(ANSWER_TIMEOUT_S), *service),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=AUDIT_TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {AUDIT_TIMEOUT_S} s"
        if not answer.is_file():
            return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        content: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return content


def _report(findings: Findings, locked: Mapping[lock.Locked, list[str]]) -> int:
    for version, known in findings.known:
        fixed = ", ".join(known["fix_versions"]) or "no version"
        names = ", ".join([known["id"], *known["aliases"]])
        where = ", ".join(locked[version])
        print(f"{version.name} {version.version} ({where}): {names}; fixed in {fixed}")
    if findings.not_asked:
        _, why = findings.not_asked[0]
        missing = f"{len(findings.not_asked)} of {len(locked)} versions"
        _say(f"no vulnerability database could be asked about {missing}: {why}")
    if findings.known:
        _say(f"{len(findings.known)} known vulnerabilities")
        return EXIT_KNOWN
    if findings.not_asked:
        return EXIT_NOT_ASKED
    _say(f"nothing is known against any of {len(locked)} versions")
    return 0


def _service(options: argparse.Namespace) -> list[str]:
    ignored = [f"--ignore-vuln={name}" for name in options.ignore]
    if options.osv_url is None:
        return ignored
    return [*ignored, "--vulnerability-service", "osv", "--osv-url", options.osv_url]


def _say(line: str) -> None:
    print(f"audit: {line}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.supply.audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lock", nargs="*", type=Path, help="a lock (default: all of this project)")
    parser.add_argument(
        "--osv-url",
        metavar="URL",
        help="the query address of an OSV database (default: ask the package index)",
    )
    parser.add_argument(
        "--ignore",
        metavar="ID",
        action="append",
        default=[],
        help="a vulnerability that was judged and does not concern this project; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
