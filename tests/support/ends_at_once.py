"""An application whose workers end before they serve, as one that needs what is not there."""

from __future__ import annotations

import os


class _Ending:
    """As `local.gateway.app.Gateway`, as far as a worker gets."""

    def __rsgi_init__(self, _loop: object) -> None:
        """End the worker."""
        os._exit(3)


application = _Ending()
