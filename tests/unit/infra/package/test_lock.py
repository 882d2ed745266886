"""Reading a lock."""

from __future__ import annotations

import pytest

from infra.package import lock
from infra.package.errors import PackageError

A, B = "a" * 64, "b" * 64
TEXT = f"""\
# made by a program
awslambdaric==4.2.2 ; sys_platform == 'linux' \\
    --hash=sha256:{A}
    # via -r requirements/dev.in
types-pymysql==1.2.0.20260923 \\
    --hash=sha256:{B} \\
    --hash=sha256:{A}
"""


def test_each_package_has_its_version_its_marker_and_all_its_hashes() -> None:
    assert lock.read(TEXT) == [
        lock.Locked("awslambdaric", "4.2.2", "sys_platform == 'linux'", frozenset({A})),
        lock.Locked("types-pymysql", "1.2.0.20260923", "", frozenset({A, B})),
    ]


def test_a_package_is_written_as_it_was_read() -> None:
    again = "\n".join(one.line for one in lock.read(TEXT))
    assert lock.read(again) == lock.read(TEXT)


@pytest.mark.parametrize(
    "line",
    [
        "redis==8.1.0",
        f"redis>=8 --hash=sha256:{A}",
        f"redis --hash=sha256:{A}",
        f"redis==8.1.0 --hash=sha256:{A[1:]}",
        f"redis==8.1.0 --hash=md5:{A[:32]}",
        f"redis==8.1.0 --hash=sha256:{A} --global-option=x",
        f"redis @ file:///redis.whl --hash=sha256:{A}",
        "--find-links=/elsewhere",
        "-r other.txt",
    ],
)
def test_anything_but_a_version_with_its_hashes_is_refused_by_name(line: str) -> None:
    with pytest.raises(PackageError, match="make lock") as refused:
        lock.read(f"{TEXT}{line}\n")
    assert line[:20] in str(refused.value)
