"""What a server program prepares is made once, and each server gets a copy of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from local.servers import prepared
from local.servers.prepared import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepared, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


def made(data: Path, times: list[Path]) -> Callable[[], None]:
    def prepare() -> None:
        times.append(data)
        data.mkdir()
        (data / "tables").write_text("made")
        (data / "auto.cnf").write_text("a number of its own")

    return prepare


def test_servers_that_start_at_once_prepare_their_data_once(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(8)]
    times: list[Path] = []
    with ThreadPoolExecutor(len(folders)) as pool:
        list(pool.map(lambda data: fill(data, "server 1", made(data, times)), folders))
    assert len(times) == 1
    assert {(data / "tables").read_text() for data in folders} == {"made"}
    assert [data for data in folders if (data / "auto.cnf").exists()] == times


def test_a_server_of_another_version_or_with_other_options_prepares_its_own(
    tmp_path: Path,
) -> None:
    times: list[Path] = []
    for made_by in ("server 1", "server 2", "server 1 --option"):
        data = tmp_path / made_by
        fill(data, made_by, made(data, times))
    assert len(times) == 3


def test_what_a_server_does_to_its_data_reaches_no_other(tmp_path: Path) -> None:
    times: list[Path] = []
    for number in range(3):
        data = tmp_path / str(number)
        fill(data, "server 1", made(data, times))
        assert (data / "tables").read_text() == "made"
        (data / "tables").write_text("changed")


def test_data_that_could_not_be_prepared_is_prepared_by_the_next_one(
    tmp_path: Path, kept: Path
) -> None:
    def fail() -> None:
        message = "the disk is full"
        raise OSError(message)

    with pytest.raises(OSError, match="the disk is full"):
        fill(tmp_path / "first", "server 1", fail)
    assert not [path for path in kept.iterdir() if path.is_dir()]
    times: list[Path] = []
    fill(tmp_path / "second", "server 1", made(tmp_path / "second", times))
    assert len(times) == 1
