"""The application's whole template, to read and to check.

    python -m infra.application out/infra/application.yaml

`make package` writes the one that is deployed. This one is the same without the packages of
requirements.txt, which no template depends on, so it takes seconds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.package.chalice_part import for_lambda
from infra.package.target import LAMBDA_VERSION, runtime_of

PROJECT = Path(__file__).resolve().parents[1]
MERGED = PROJECT / "infra" / "application.yaml"
# Chalice needs a region; it does not appear in the template.
REGION = "ap-northeast-2"


def sam_template(stage: str = "prod") -> str:
    """Return what `chalice package` makes of app.py, .chalice and infra/application.yaml.

    Raises subprocess.CalledProcessError, with Chalice's message in stderr, when Chalice fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copy(PROJECT / "app.py", project)
        shutil.copytree(PROJECT / ".chalice", project / ".chalice", ignore=_all_but_json)
        (project / "handlers").symlink_to(PROJECT / "handlers")
        (project / "requirements.txt").touch()
        subprocess.run(
            [
                str(Path(sys.executable).with_name("chalice")),
                *("package", "--stage", stage),
                *("--merge-template", str(MERGED), "out"),
            ],
            cwd=project,
            env=os.environ | {"AWS_DEFAULT_REGION": REGION},
            check=True,
            capture_output=True,
            text=True,
        )
        template = (project / "out" / "sam.yaml").read_text(encoding="utf-8")
        return for_lambda(template, runtime_of(LAMBDA_VERSION))


def _all_but_json(folder: str, names: list[str]) -> set[str]:  # noqa: ARG001 - shutil's signature
    return {name for name in names if not name.endswith(".json")}


def main() -> int:
    """Write the template into a file."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.application",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--stage", default="prod")
    options = parser.parse_args()
    try:
        template = sam_template(options.stage)
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return 1
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(template, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
