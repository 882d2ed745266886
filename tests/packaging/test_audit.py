"""`make audit` against an OSV database of this test's own, over a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from infra.supply import audit
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HASH = "a" * 64
# The database knows something against this version only.
BAD = ("example-bad", "1.0")
KNOWN = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-1"],
    "summary": "a vulnerability",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": BAD[0], "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]},
            ],
        }
    ],
}
# Each run starts pip-audit, which is slow on a busy machine.
pytestmark = pytest.mark.timeout(300)


@contextmanager
def database(status: int = 200) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Run a database; yield its address and the versions that it was asked about."""
    asked: list[tuple[str, str]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            question = json.loads(body)
            version = (question["package"]["name"], question["version"])
            asked.append(version)
            content = json.dumps({"vulns": [KNOWN]} if version == BAD else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
        server.shutdown()


def lock_of(folder: Path, name: str, *packages: str) -> Path:
    file = folder / name
    lines = [f"{package} \\\n    --hash=sha256:{HASH}\n" for package in packages]
    file.write_text("".join(lines), encoding="utf-8")
    return file


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.supply.audit", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=240,
    )


def test_every_version_of_every_lock_is_asked_about_once_on_any_platform(tmp_path: Path) -> None:
    one = lock_of(tmp_path, "one.txt", "example-a==1.0", "example-a==2.0 ; sys_platform == 'zos'")
    two = lock_of(tmp_path, "two.txt", "example-a==1.0", "example-b==3.0")
    with database() as (url, asked):
        done = run("--osv-url", url, one, two)
    assert done.returncode == 0, done.stderr
    assert "nothing is known against any of 3 versions" in done.stderr
    assert sorted(asked) == [("example-a", "1.0"), ("example-a", "2.0"), ("example-b", "3.0")]


def test_what_is_known_is_exit_code_1_with_the_lock_and_the_version_that_mends_it(
    tmp_path: Path,
) -> None:
    lock = lock_of(tmp_path, "requirements.txt", "example-a==1.0", "example-bad==1.0")
    with database() as (url, _):
        done = run("--osv-url", url, lock)
        judged = run("--osv-url", url, "--ignore", "CVE-2026-1", lock)
    assert done.returncode == 1
    [line] = done.stdout.splitlines()
    assert line.startswith(f"example-bad 1.0 ({lock}): ")
    assert "CVE-2026-1" in line
    assert line.endswith("fixed in 1.1")
    assert judged.returncode == 0, judged.stderr


def test_a_database_that_cannot_answer_is_exit_code_3_with_a_sentence(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, "requirements.txt", "example-a==1.0")
    with database(status=503) as (url, _):
        broken = run("--osv-url", url, lock)
    silent = run("--osv-url", url, lock)  # it has ended
    for done in (broken, silent):
        assert done.returncode == 3, done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("audit: no vulnerability database could be asked about 1 of 1")
        assert "nothing is known" not in done.stderr


def answer_of(*dependencies: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(dependencies)}


@pytest.mark.parametrize(
    ("answer", "exit_code"),
    [
        (answer_of({"name": "example-a", "version": "1.0", "vulns": []}), 0),
        (answer_of({"name": "example-a", "skip_reason": "not found on this index"}), 3),
        (answer_of(), 3),
    ],
)
def test_a_package_that_pip_audit_skips_was_not_asked_about(
    answer: dict[str, Any],
    exit_code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An index that does not know a package makes pip-audit say that no vulnerability is known."""
    monkeypatch.setattr(audit, "_pip_audit", lambda *_: answer)
    assert audit.main([str(lock_of(tmp_path, "one.txt", "example-a==1.0"))]) == exit_code


def test_a_file_that_is_no_lock_is_named_and_not_called_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("redis>=8\n", encoding="utf-8")
    assert audit.main([str(file)]) == 3
    assert "redis>=8" in capsys.readouterr().err
