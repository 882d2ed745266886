"""The README's shell blocks, unchanged.

`python -m tests.support.readme "In containers" 1 | bash` runs one."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from tests.support.paths import README

if TYPE_CHECKING:
    from pathlib import Path


def blocks(heading: str) -> list[str]:
    """Return the shell blocks of the section under a heading."""
    return shell_blocks(README, heading)


def shell_blocks(page: Path, heading: str) -> list[str]:
    """Return the same of any page."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    section, _, _ = rest.partition("\n## ")
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


if __name__ == "__main__":
    sys.stdout.write(blocks(sys.argv[1])[int(sys.argv[2])])
