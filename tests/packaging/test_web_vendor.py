"""What others wrote is in web/vendor/ as they released it, each file named with its hash."""

from __future__ import annotations

import hashlib
import re

from tests.support.paths import ROOT

VENDOR = ROOT / "web" / "vendor"
# | `file` | package, version | licence | source | `sha256` |
ROW = re.compile(r"^\| `([^`]+)` \| .* \| `([0-9a-f]{64})` \|$", re.MULTILINE)
LICENCE = re.compile(r"\(([\w.-]+\.txt)\)")


def test_each_vendored_file_is_named_with_its_hash_and_no_other_is_there() -> None:
    page = (VENDOR / "README.md").read_text("utf-8")
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.suffix not in {".md", ".txt"}
    }
    assert dict(ROW.findall(page)) == there


def test_each_licence_is_there_and_named() -> None:
    page = (VENDOR / "README.md").read_text("utf-8")
    assert set(LICENCE.findall(page)) == {path.name for path in VENDOR.glob("*.txt")}
