"""Chalice's command, run by the interpreter that runs the benchmark."""

import sys

from chalice.cli import main

if __name__ == "__main__":
    sys.exit(main())
