"""Reads a lock of `make lock`: each package with its version, its marker and its files' sha256."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.package.errors import PackageError

CONTINUED = re.compile(r"\\\n\s*")
LINE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)"
    r"(?: ; (?P<marker>[^#]+?))?"
    r"(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock."""

    name: str  # as package indexes write it: lower case, with hyphens
    version: str
    marker: str  # where it is needed, e.g. "sys_platform == 'linux'"; empty: everywhere
    hashes: frozenset[str]  # the sha256 of each file of this version, 64 hexadecimal digits

    @property
    def line(self) -> str:
        """This package as a line that pip reads."""
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = "".join(f" --hash=sha256:{digest}" for digest in sorted(self.hashes))
        return f"{self.name}=={self.version}{marker}{hashes}"


def read(text: str) -> list[Locked]:
    """Return the packages of a lock, in its order.

    Raises PackageError for a line that is not a version with hashes: pip would install anything.
    """
    lines = [line.strip() for line in CONTINUED.sub("", text).splitlines()]
    return [_locked(line) for line in lines if line and not line.startswith("#")]


def _locked(line: str) -> Locked:
    found = LINE.fullmatch(line)
    if found is None:
        message = f"not a package with its version and its hashes: {line[:80]!r} (make lock)"
        raise PackageError(message)
    hashes = re.findall(r"[0-9a-f]{64}", found["hashes"])
    return Locked(found["name"], found["version"], found["marker"] or "", frozenset(hashes))
