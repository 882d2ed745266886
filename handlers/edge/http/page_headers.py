"""What a browser may do with our pages and their files, as headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# A changed page is there a minute later; an old one still finds its files (handlers/pages.py).
OF_A_PAGE = "public, max-age=60"
FOR_EVER = "public, max-age=31536000, immutable"
NEVER = "no-store"
# The one policy that our own code may make: for the address of a worker.
TRUSTED_TYPES = "; require-trusted-types-for 'script'; trusted-types seonchak"
ISOLATED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FORBIDDEN_FEATURES = (
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
)


def page_headers(reached: Iterable[str], *, trusted_types: bool) -> dict[str, str]:
    """Return the headers of a page.

    reached: origins besides its own that it may call. trusted_types: no text of any kind becomes
    code; not for a page whose vendored code writes HTML.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src {_connected(reached)}; worker-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": OF_A_PAGE,
        "Content-Security-Policy": policy + (TRUSTED_TYPES if trusted_types else ""),
        **ISOLATED,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": FORBIDDEN_FEATURES,
    }


def file_headers(reached: Iterable[str], *, is_current: bool) -> dict[str, str]:
    """Return the headers of a file of a page. Its policy is for a worker, which has its own."""
    policy = f"default-src 'none'; script-src 'self'; connect-src {_connected(reached)}"
    return {
        "Cache-Control": FOR_EVER if is_current else NEVER,
        "Content-Security-Policy": policy,
        **ISOLATED,
    }


def _connected(reached: Iterable[str]) -> str:
    return " ".join(("'self'", *reached))
