"""Write the pages as static files for a CDN: `python -m local.pages --api https://…`.

headers.json says for each file under which path a browser asks for it, and with which headers it
has to be answered: the pages are safe by them. Upload web/ before the pages, which refer to it, and
leave the files of older versions there for an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from handlers.edge.http.web_files import web_files
from handlers.env_parser import ConfigurationError, EnvParser
from handlers.page_settings import PageSettings, what_is_wrong
from handlers.pages import PAGES, config_response, file_response, page_response
from local.cli import EXIT_MISCONFIGURED, end

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEFAULT = Path("out") / "web"
HEADERS = "headers.json"
EXIT_NOT_WRITTEN = 1
API = re.compile(r"https?://[^/?#@\s]+(?:/[A-Za-z0-9._~/-]*)?")
# A part of a path that differs from one campaign to another, as CDNs write it.
ANY = "*"


def files(settings: PageSettings, api: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the name of each file, the path at which it belongs, and the response that it is."""
    reached = [*settings.reached, *([_origin(api)] if api else [])]
    known = web_files()
    for name in known.files:
        file = f"web/{known.version}/{name}"
        yield file, f"/{file}", file_response(name, reached, is_current=True)
    yield "web/config.json", "/web/config.json", config_response(settings, api)
    for path, folder in PAGES.items():
        yield f"{folder}.html", re.sub(r"\{\w+\}", ANY, path), page_response(folder, reached)


def write(folder: Path, settings: PageSettings, api: str) -> list[dict[str, Any]]:
    """Write all files into `folder`, and return what headers.json says; raise OSError."""
    described = []
    for name, path, response in files(settings, api):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(response["body"].encode())
        described.append({"file": name, "path": path, "headers": response["headers"]})
    text = json.dumps({"files": described}, indent=2) + "\n"
    (folder / HEADERS).write_text(text, encoding="utf-8")
    return described


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Run the program; return its exit code."""
    options = _parser().parse_args(arguments)
    out: Path = options.out
    try:
        settings, api = _settings(environment, options.api)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    if out.exists() and not (out / HEADERS).is_file() and (out.is_file() or any(out.iterdir())):
        message = f"{out} is not empty and holds no earlier pages; it will not be replaced."
        return end(message, EXIT_NOT_WRITTEN)
    try:
        count = len(_replace(out, settings, api))
    except OSError as error:
        return end(f"{out}: {error.strerror or error}.", EXIT_NOT_WRITTEN)
    kind = json.loads(config_response(settings)["body"])["sign_in"]["kind"]
    print(f"{out}: {count} files and {HEADERS}, version {web_files().version}, sign-in: {kind}")
    return 0


def _settings(environment: Mapping[str, str], api: str) -> tuple[PageSettings, str]:
    """Return the settings of the pages alone, and the API's address without a slash at its end."""
    read = EnvParser(environment)
    is_local = read.text("STAGE", "") == "local"
    if api and not API.fullmatch(api):
        message = "--api must look like https://host or https://host/path"
        raise ConfigurationError(message)
    if api and (wrong := what_is_wrong(_origin(api), is_local=is_local)):
        message = f"--api: its origin {wrong}"
        raise ConfigurationError(message)
    return PageSettings.from_environment(read, is_local=is_local), api.rstrip("/")


def _origin(api: str) -> str:
    parts = urlsplit(api)
    return f"{parts.scheme}://{parts.netloc}"


def _replace(out: Path, settings: PageSettings, api: str) -> list[dict[str, Any]]:
    """Replace the folder by a complete one only."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".pages-") as work:
        made = Path(work, "made")
        made.mkdir()
        described = write(made, settings, api)
        if out.exists():
            shutil.move(out, Path(work, "former"))
        shutil.move(made, out)
    return described


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.pages",
        description=__doc__,
        epilog="Settings: STAGE, AUTH_ISSUER, AUTH_AUDIENCE, AUTH_JWKS_URL and OIDC_* say how "
        "people sign in. Exit code 1: the files could not be written; 2: a setting is wrong.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, default=DEFAULT, help="the folder, which is replaced (%(default)s)")
    add("--api", default="", help="the service's address where it is not that of the pages")
    return parser


if __name__ == "__main__":
    sys.exit(main())
