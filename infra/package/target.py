"""The environment the package will run in: Lambda's Python, its processor, its C library."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from infra.package.errors import PackageError, run_tool

ARCHITECTURES = ("x86_64", "arm64")
# What is deployed, whatever Python runs this program. AWS takes it until June 2029; SnapStart needs
# 3.12. Change it together with docs/deploy.md.
LAMBDA_VERSION = (3, 13)
# Ours runs on 3.11 too, but Lambda has taken no function of it since 2026-08-31.
TAKEN_MIN = (3, 12)
VERSION_MIN = (3, 11)
RUNNING = sys.version_info[:2]
# Python 3.11 runs on Amazon Linux 2 (glibc 2.26), later ones on Amazon Linux 2023 (glibc 2.34).
GLIBC_MINOR_OF_AMAZON_LINUX_2 = 26
GLIBC_MINOR = 34
# manylinux_2_17 is the oldest tag that current wheels have, also as manylinux2014.
GLIBC_MINOR_MIN = 17
PRINT_VERSION = "import platform; print(platform.python_version())"


@dataclass(frozen=True, slots=True)
class Target:
    """A Lambda runtime of one architecture, and the interpreter that compiles for it."""

    architecture: str
    python: str
    python_version: str

    @classmethod
    def of(cls, architecture: str, python: str | None = None) -> Target:
        """Return the target for an interpreter (default: LAMBDA_VERSION's); raise PackageError."""
        if python is None:
            if RUNNING == LAMBDA_VERSION:
                return cls(architecture, sys.executable, platform.python_version())
            python = runtime_of(LAMBDA_VERSION)
        version = run_tool(f"{python} as the Python to package for", [python, "-c", PRINT_VERSION])
        target = cls(architecture, python, version.strip())
        if target.minor < VERSION_MIN:
            message = f"{python} is Python {target.python_version}; 3.11 or later is needed"
            raise PackageError(message)
        return target

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor, *_ = self.python_version.split(".")
        return int(major), int(minor)

    @property
    def runtime(self) -> str:
        """Lambda's name of this Python, e.g. python3.13."""
        return runtime_of(self.minor)

    @property
    def is_taken(self) -> bool:
        """Say whether Lambda still takes functions of this runtime."""
        return self.minor >= TAKEN_MIN

    @property
    def pip_options(self) -> list[str]:
        """The options that make pip choose wheels for this target on any machine."""
        newest = GLIBC_MINOR_OF_AMAZON_LINUX_2 if self.minor == VERSION_MIN else GLIBC_MINOR
        machine = "aarch64" if self.architecture == "arm64" else self.architecture
        tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, GLIBC_MINOR_MIN, -1)]
        tags.append(f"manylinux2014_{machine}")  # pip then accepts older tags too
        return [
            "--only-binary=:all:",
            "--no-deps",  # requirements.txt is pinned whole, and boto3 comes from Lambda
            "--implementation=cp",
            f"--python-version={self.runtime.removeprefix('python')}",
            *(f"--abi={abi}" for abi in ("cp{}{}".format(*self.minor), "abi3", "none")),
            *(f"--platform={tag}" for tag in tags),
        ]


def runtime_of(minor: tuple[int, int]) -> str:
    """Return Lambda's name of a Python, which is its program's name too: python3.13."""
    return "python{}.{}".format(*minor)
