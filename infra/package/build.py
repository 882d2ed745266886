"""The steps of a build, in their order."""

from __future__ import annotations

import hashlib
import json
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.package import archive, chalice_part, manifest, sbom, tree, wheels
from infra.package.errors import PackageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.package.target import Target

# A cold start downloads this before anything else; Lambda itself takes 50 MB. Two of these are the
# codecs of Kafka, which the rebuild needs, and half of one is what shows the interface at /docs.
ZIP_BYTES_MAX = 14_000_000
LARGEST_SHOWN = 5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The names in the output folder; Chalice's template refers to ./deployment.zip.
ZIP, TEMPLATE, MANIFEST = "deployment.zip", "sam.yaml", "manifest.json"
SBOM = "sbom.cdx.json"
FILES = {"zip": ZIP, "template": TEMPLATE, "sbom": SBOM}  # those that the manifest describes


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """What to build, from what, and where to put it."""

    project: Path
    stage: str
    target: Target
    merge_template: Path | None  # CloudFormation that is merged into Chalice's
    out: Path  # this folder is replaced
    wheel_cache: Path


def build(spec: BuildSpec, report: Callable[[str], None]) -> dict[str, Any]:
    """Build into `spec.out`, which is replaced only by a complete build; return the manifest.

    Raises PackageError saying what is wrong. In every case temporary files are removed.
    """
    _check_out(spec.out)
    spec.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=spec.out.parent, prefix=".package-") as folder:
        work = Path(folder)
        finished = work / "finished"
        finished.mkdir()
        report(f"{spec.stage}: {spec.target.runtime} on {spec.target.architecture}")
        if not spec.target.is_taken:
            report(f"Lambda takes no function of {spec.target.runtime} any more; for tests only")
        report("chalice package: template, runtime, handlers …")
        part = chalice_part.make(spec.project, spec.stage, spec.target, spec.merge_template, work)
        (finished / TEMPLATE).write_text(part.template, encoding="utf-8")
        unpacked = work / "tree"
        installed = _unpack(spec, part.zip_file, unpacked, report)
        report("zip …")
        archive.write(unpacked, finished / ZIP)
        zip_sha256 = hashlib.sha256((finished / ZIP).read_bytes()).hexdigest()
        bill = sbom.of(spec.project, spec.target, unpacked, installed, zip_sha256)
        _write_json(finished / SBOM, bill)
        files = {name: finished / file for name, file in FILES.items()}
        content = manifest.of(spec.project, spec.stage, spec.target, unpacked, files)
        _check_size(content["zip"]["bytes"], unpacked)
        _write_json(finished / MANIFEST, content)
        _replace(spec.out, finished, work / "former")
    return content


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _unpack(
    spec: BuildSpec, own_part: Path, folder: Path, report: Callable[[str], None]
) -> dict[str, str]:
    """Fill `folder` with what the zip will hold; return the sha256 of each wheel by its package."""
    report("wheels of Lambda's platform …")
    lock = spec.project / "requirements.txt"
    installed = wheels.install(lock, spec.target, folder, spec.wheel_cache)
    tree.prune(folder)
    archive.unpack(own_part, folder)
    report("bytecode …")
    tree.compile_all(folder, spec.target)
    return installed


def _check_size(size: int, unpacked: Path) -> None:
    if size <= ZIP_BYTES_MAX:
        return
    sizes = {
        entry.name: sum(path.stat().st_size for path in archive.files(entry))
        for entry in unpacked.iterdir()
        if entry.is_dir()
    }
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:LARGEST_SHOWN]
    shares = ", ".join(f"{name} {bytes_ / 1e6:.1f} MB" for name, bytes_ in largest)
    message = f"the zip has {size / 1e6:.1f} MB, not {ZIP_BYTES_MAX / 1e6:.0f} at most; {shares}"
    raise PackageError(message)


def _check_out(out: Path) -> None:
    """Refuse to replace a folder that holds anything but an earlier package."""
    if out.exists() and not (out / MANIFEST).is_file() and any(out.iterdir()):
        message = f"{out} is not empty and holds no earlier package; it will not be replaced"
        raise PackageError(message)


def _replace(out: Path, finished: Path, former: Path) -> None:
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # no signal in between
    try:
        if out.exists():
            out.rename(former)
        finished.rename(out)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)
