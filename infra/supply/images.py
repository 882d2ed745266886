"""Names the container images that this repository uses, and pins them by digest.

A tag can be moved to other content; a digest cannot. Without options: exit code 1 and a line for
each image without a digest. --pin asks the registries, through `docker buildx imagetools`, and
writes the digests into the files. --verify asks as well, and is exit code 1 for a tag that leads to
another digest by now: time to run --pin. Exit code 3: a registry could not be asked.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROJECT = Path(__file__).resolve().parents[2]
EXIT_UNPINNED, EXIT_NOT_ASKED = 1, 3
REGISTRY_TIMEOUT_S = 60
NAME = r"(?P<image>[\w./-]+:[\w.-]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
# What imagetools prints of the whole image, before its platforms.
DIGEST = re.compile(r"^Digest: +(sha256:[0-9a-f]{64})$", re.MULTILINE)
# How each file names an image. What the project builds itself (seonchak:local) has no digest, and
# a name that the CI's matrix completes can have none.
FILES = {
    "local/Dockerfile": re.compile(rf"^FROM {NAME}", re.MULTILINE),
    "local/docker-compose.yml": re.compile(rf"^ +image: (?!seonchak:){NAME}$", re.MULTILINE),
    ".devcontainer/devcontainer.json": re.compile(rf'"image": "{NAME}"'),
    ".github/workflows/ci.yml": re.compile(rf"^ +container: {NAME}$", re.MULTILINE),
}


class RegistryError(Exception):
    """A registry did not say which digest an image has; the message says why."""


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image, as a file names it."""

    file: str  # from the root of the repository
    image: str  # with its tag
    digest: str | None


def main(arguments: Sequence[str] | None = None, project: Path = PROJECT) -> int:
    """Run the program and return its exit code."""
    options = _parser().parse_args(arguments)
    found = uses(project)
    try:
        if options.pin:
            return _pin(project, found)
        if options.verify:
            return _verify(found)
    except RegistryError as error:
        print(f"images: {error}", file=sys.stderr)
        return EXIT_NOT_ASKED
    return _check(found)


def uses(project: Path) -> list[ImageUse]:
    """Return every use of an image, in the order of files and lines."""
    return [
        ImageUse(name, match["image"], match["digest"])
        for name, pattern in FILES.items()
        for match in pattern.finditer((project / name).read_text(encoding="utf-8"))
    ]


def digest_of(image: str) -> str:
    """Return the digest of the index of all platforms, for a name with a tag, by its registry."""
    try:
        done = subprocess.run(
            ["docker", "buildx", "imagetools", "inspect", image],
            capture_output=True,
            text=True,
            check=False,
            timeout=REGISTRY_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{image}: {error}"
        raise RegistryError(message) from error
    found = DIGEST.search(done.stdout)
    if done.returncode or found is None:
        why = (done.stderr.strip() or "docker names no digest").splitlines()[0]
        message = f"{image}: {why}"
        raise RegistryError(message)
    return found[1]


def _check(found: Iterable[ImageUse]) -> int:
    unpinned = [use for use in found if use.digest is None]
    for use in unpinned:
        print(f"{use.file}: {use.image} has no digest")
    if unpinned:
        print("images: `make images ARGS=--pin` writes them", file=sys.stderr)
    return EXIT_UNPINNED if unpinned else 0


def _verify(found: Iterable[ImageUse]) -> int:
    """Compare with the registries; what has no digest is wrong, too."""
    wrong = 0
    current: dict[str, str] = {}
    for use in found:
        now = current.setdefault(use.image, "") or digest_of(use.image)
        current[use.image] = now
        if use.digest != now:
            print(f"{use.file}: {use.image} is {now}, the file has {use.digest or 'no digest'}")
            wrong = EXIT_UNPINNED
    return wrong


def _pin(project: Path, found: Iterable[ImageUse]) -> int:
    """Write the digests; no file is changed unless all of them are known."""
    digests = {image: digest_of(image) for image in sorted({use.image for use in found})}
    for name, pattern in FILES.items():
        file = project / name
        text = file.read_text(encoding="utf-8")
        file.write_text(pattern.sub(lambda match: _pinned(match, digests), text), encoding="utf-8")
    for image, digest in digests.items():
        print(f"{image}@{digest}")
    return 0


def _pinned(match: re.Match[str], digests: dict[str, str]) -> str:
    begin, end = match.span("image")[0] - match.start(), match.end("digest")
    rest = match[0][(end if end >= 0 else match.end("image")) - match.start() :]
    return f"{match[0][:begin]}{match['image']}@{digests[match['image']]}{rest}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.supply.images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pin", action="store_true", help="write the digests into the files")
    what.add_argument("--verify", action="store_true", help="compare them with the registries")
    return parser


if __name__ == "__main__":
    sys.exit(main())
