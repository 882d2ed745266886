"""What checks the Helm chart: helm, kubeconform and the schemas, into out/helm (`make test-helm`).

Go builds the two programs from source, once: some minutes. With --api-server it builds Kubernetes'
own API server and controllers too (`make test-helm-server`). Prints the folder of the programs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
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
BUILD_TIMEOUT_S = 7200.0
# A module of our own that names Kubernetes' sources; its go.sum has the hash of each.
API_SERVER = Path(__file__).with_name("api_server")
KUBERNETES_MODULE = "k8s.io/kubernetes"
# Helm asks the server for its version, which only the linker writes.
VERSION = "k8s.io/component-base/version"


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
    parser.add_argument(
        "--api-server",
        action="store_true",
        help="build Kubernetes' API server as well: a quarter of an hour, once",
    )
    options = parser.parse_args(arguments)
    try:
        for module, package in BUILT.items():
            _build(module, package)
        _write_schemas(options.kubernetes_schemas)
        if options.api_server:
            _build_api_server()
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
    fetch(module)
    print(f"helm: building {package} {module.version} (minutes, once)", file=sys.stderr)
    wanted = f"{module.path}/{package}@{module.version}"
    _go("install", "-trimpath", wanted, GOBIN=str(PROGRAMS), CGO_ENABLED="0")
    stamp.write_text(module.version, encoding="utf-8")


def _build_api_server() -> None:
    """Build the program; nothing is done where it is that of these sources."""
    sources = [API_SERVER / name for name in ("main.go", "go.mod", "go.sum")]
    wanted = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    stamp = HOME / "kubernetes.version"
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    print("helm: building Kubernetes' API server (a quarter of an hour, once)", file=sys.stderr)
    named_in = sources[1].read_text("utf-8")
    [version] = re.findall(rf"^\t{KUBERNETES_MODULE} (\S+)$", named_in, re.MULTILINE)
    major, minor, _ = version.removeprefix("v").split(".")
    named = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s", "-w", *(f"-X {VERSION}.{name}={text}" for name, text in named.items())])
    words = ("build", "-trimpath", "-buildvcs=false", "-ldflags", flags)
    _go(*words, "-o", str(PROGRAMS / "kubernetes"), ".", folder=API_SERVER, CGO_ENABLED="0")
    stamp.write_text(wanted, encoding="utf-8")


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
        folder = fetch(module)
        for file in files:
            schemas.write_custom(folder / file, SCHEMAS)
    stamp.write_text(wanted, encoding="utf-8")


def fetch(module: Module) -> Path:
    """Return the folder of a module's source; raise ToolError where it is not the pinned one."""
    text = _go("mod", "download", "-json", f"{module.path}@{module.version}")
    found = json.loads(text)
    if found["Sum"] != module.hash:
        message = f"{module.path} {module.version} is another one than was pinned: {found['Sum']}"
        raise ToolError(message)
    return Path(found["Dir"])


def _go(*arguments: str, folder: Path | None = None, **environment: str) -> str:
    """Run go in a module of ours, or else in no module; return what it prints."""
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["go", *arguments],
            cwd=folder or HOME,
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
