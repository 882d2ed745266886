"""The README's shell blocks, unchanged.

`python -m tests.support.readme "In containers" 1 | bash` runs one."""

from __future__ import annotations

import re
import sys

from tests.support.paths import README


def blocks(heading: str) -> list[str]:
    """Return the shell blocks of the section under a heading."""
    _, _, rest = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    section, _, _ = rest.partition("\n## ")
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


if __name__ == "__main__":
    sys.stdout.write(blocks(sys.argv[1])[int(sys.argv[2])])
