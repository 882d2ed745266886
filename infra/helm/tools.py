"""What checks the Helm chart: helm, kubeconform and the schemas, into out/helm (`make test-helm`).

Go builds the two programs from source, once: some minutes. Prints the folder of the programs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.helm import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "out" / "helm"
PROGRAMS = HOME / "bin"
SCHEMAS = HOME / "schemas"
# The oldest Kubernetes that Chart.yaml names, and the newest that is released.
KUBERNETES = ("1.29.0", "1.37.0")
BUILD_TIMEOUT_S = 3600.0


class ToolError(Exception):
    """A tool cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Module:
    """A Go module. hash: its `h1:`, as in a go.sum; what it needs itself is in its own go.sum."""

    path: str
    version: str
    hash: str


HELM = Module(
    "helm.sh/helm/v4",
    "v4.3.2",
    "h1:zdd8DgKTlLrlYIzdoAntDHLH0V3RkgNIpQ3yjzuD84M=",
)
KUBECONFORM = Module(
    "github.com/yannh/kubeconform", "v0.8.0", "h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug="
)
BUILT = {HELM: "cmd/helm", KUBECONFORM: "cmd/kubeconform"}
DEFINITIONS = {
    Module(
        "github.com/kedacore/keda/v2", "v2.21.0", "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps="
    ): (
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ),
    Module(
        "sigs.k8s.io/gateway-api", "v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc="
    ): ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
    Module(
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    ): ("example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.helm.tools", description=__doc__)
    parser.add_argument(
        "--kubernetes-schemas",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where kubernetes-validate keeps its schemas",
    )
    options = parser.parse_args(arguments)
    try:
        for module, package in BUILT.items():
            _build(module, package)
        _write_schemas(options.kubernetes_schemas)
    except ToolError as error:
        print(f"helm: {error}", file=sys.stderr)
        return 1
    print(PROGRAMS)
    return 0


def _build(module: Module, package: str) -> None:
    """Build a program; nothing is done where this version of it is there."""
    stamp = HOME / f"{Path(package).name}.version"
    if stamp.is_file() and stamp.read_text("utf-8") == module.version:
        return
    _fetch(module)
    print(f"helm: building {package} {module.version} (minutes, once)", file=sys.stderr)
    environment = {"GOBIN": str(PROGRAMS), "CGO_ENABLED": "0"}
    _go("install", "-trimpath", f"{module.path}/{package}@{module.version}", **environment)
    stamp.write_text(module.version, encoding="utf-8")


def _write_schemas(kubernetes: Path) -> None:
    """Write all schemas; nothing is done where they are those of these versions and this code."""
    converter = Path(schemas.__file__).read_bytes()
    wanted = hashlib.sha256(repr((KUBERNETES, DEFINITIONS)).encode() + converter).hexdigest()
    stamp = SCHEMAS / "versions"
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    shutil.rmtree(SCHEMAS, ignore_errors=True)
    for version in KUBERNETES:
        source = kubernetes / f"v{version}-local-strict"
        if not source.is_dir():
            message = f"there are no schemas of Kubernetes {version} in {kubernetes}"
            raise ToolError(message)
        schemas.write_kubernetes(source, SCHEMAS / f"v{version}")
    for module, files in DEFINITIONS.items():
        folder = _fetch(module)
        for file in files:
            schemas.write_custom(folder / file, SCHEMAS)
    stamp.write_text(wanted, encoding="utf-8")


def _fetch(module: Module) -> Path:
    """Return the folder of a module's source; raise ToolError where it is not the pinned one."""
    text = _go("mod", "download", "-json", f"{module.path}@{module.version}")
    found = json.loads(text)
    if found["Sum"] != module.hash:
        message = f"{module.path} {module.version} is another one than was pinned: {found['Sum']}"
        raise ToolError(message)
    return Path(found["Dir"])


def _go(*arguments: str, **environment: str) -> str:
    """Run go outside this repository, which is no module; return what it prints."""
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["go", *arguments],
            cwd=HOME,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_TIMEOUT_S,
        )
    except FileNotFoundError:
        message = "go is needed (1.26 or later), which builds helm and kubeconform"
        raise ToolError(message) from None
    except subprocess.TimeoutExpired:
        message = f"go {arguments[0]} took longer than {BUILD_TIMEOUT_S:g} s"
        raise ToolError(message) from None
    if done.returncode:
        message = f"go {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-600:]}"
        raise ToolError(message)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
