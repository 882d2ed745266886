"""Bearer tokens of many different users, made in advance so the load does not include it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.token import mint

if TYPE_CHECKING:
    from pathlib import Path


def write_tokens(file: Path, secret: str, users: int) -> Path:
    """Write one HS256 token a line, of user-0, user-1 and so on; return `file`."""
    with file.open("w", encoding="ascii") as lines:
        lines.writelines(f"{mint(secret, f'user-{number}')}\n" for number in range(users))
    return file
