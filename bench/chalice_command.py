"""Chalice's command, to be run by the interpreter that runs everything else."""

import sys

from chalice.cli import main

if __name__ == "__main__":
    sys.exit(main())
