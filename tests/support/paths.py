"""The paths of the repository, its pages and the recorded events."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "tests" / "events"
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
