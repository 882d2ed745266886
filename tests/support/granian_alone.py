"""The gateway on Granian as it comes, for the control of `local.gateway.server`."""

from __future__ import annotations

import sys
from functools import partial

from granian import Granian

from local import serve


def main() -> int:
    """Run the program without what watches its workers."""
    vars(serve)["GatewayServer"] = partial(Granian, respawn_failed_workers=True)
    return serve.main()


if __name__ == "__main__":
    sys.exit(main())
