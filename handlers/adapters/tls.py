"""TLS contexts, made once per process and shared by the connections to MySQL and to Redis.

The drivers themselves read the certificates of all authorities for each connection, which takes
more processor time than everything else in connecting.
"""

from __future__ import annotations

import ssl
from functools import cache

from handlers.config import ConfigurationError

# On by default since Python 3.13; older and private authorities, including RDS's, do not pass.
NOT_DEMANDED = ssl.VERIFY_X509_STRICT


@cache
def trusting() -> ssl.SSLContext:
    """Return a context that encrypts and verifies nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def verifying(ca_file: str, setting: str) -> ssl.SSLContext:
    """Return a context that trusts `ca_file`, or with "" the system's authorities.

    Raises ConfigurationError naming `setting` when the file has no certificates.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one: a file without a certificate
        message = f"{setting}: {ca_file} is no file of certificates in PEM form"
        raise ConfigurationError(message) from error
    context.verify_flags &= ~NOT_DEMANDED
    return context
