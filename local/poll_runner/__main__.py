"""`python -m local.poll_runner`; the program itself is in run.py.

A spawned worker process imports run.py by its name, which is not possible with `__main__`.
"""

import sys

from local.poll_runner.run import main

if __name__ == "__main__":
    sys.exit(main())
