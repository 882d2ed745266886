"""The files that Maven fetches are compared with the checksums in the repository."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from bench import java_service
from local.servers import apache_kafka, keycloak, maven, mysql
from local.servers.process import ServerError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checksums(tmp_path: Path) -> Path:
    """Return the checksums of two jars in `libs`."""
    (tmp_path / "libs").mkdir()
    lines = []
    for name in ("a.jar", "b.jar"):
        (tmp_path / "libs" / name).write_text(name)
        lines.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    file = tmp_path / "libs.sha256"
    file.write_text("".join(lines))
    return file


def test_exactly_the_known_jars_are_accepted(checksums: Path) -> None:
    maven.verify(checksums.with_name("libs"), checksums)


def test_a_changed_a_missing_and_an_unknown_jar_are_named(checksums: Path) -> None:
    libs = checksums.with_name("libs")
    (libs / "a.jar").write_text("something else")
    (libs / "b.jar").rename(libs / "c.jar")
    with pytest.raises(ServerError) as refused:
        maven.verify(libs, checksums)
    message = str(refused.value)
    assert f"a.jar is {hashlib.sha256(b'something else').hexdigest()}" in message
    assert "b.jar is missing" in message
    assert f"c.jar is {hashlib.sha256(b'b.jar').hexdigest()}, not known" in message


DOWNLOADS = [apache_kafka.JARS, mysql.DOWNLOAD, keycloak.DOWNLOAD, java_service.JARS]


@pytest.mark.parametrize("download", DOWNLOADS, ids=lambda one: one.what)
def test_each_download_has_its_checksums(download: maven.Download) -> None:
    lines = download.checksums.read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        digest, name = line.split()
        assert len(bytes.fromhex(digest)) == hashlib.sha256().digest_size
        assert name.endswith((".jar", ".zip"))
