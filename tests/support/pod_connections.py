"""Print how a pod with this environment would connect to Kafka, MySQL and Redis, as JSON.

Of secrets it prints what a test put into them. It connects to nothing.
"""

from __future__ import annotations

import json
import ssl
import sys
from typing import TYPE_CHECKING, Any

from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.mysql.connection import _protection
from handlers.adapters.redis.client import _options
from handlers.config import Settings

if TYPE_CHECKING:
    from handlers.database_address import DatabaseAddress


def main() -> int:
    """Print it; a setting that is wrong ends with its ConfigurationError."""
    settings = Settings.from_environment()
    address = settings.database_address
    owner = settings.migration_database_address
    shown = {
        "kafka": kafka(connection_options(settings)),
        "mysql": login(address) | tls(_protection(settings.database_tls)),
        "owner": login(owner),
        "redis": redis(settings),
        "secrets": {
            "database": settings.database_secret_id,
            "owner": settings.migration_database_secret_id,
            "redis": settings.redis_auth_secret_id,
        },
    }
    sys.stdout.write(json.dumps(shown))
    return 0


def kafka(options: dict[str, Any]) -> dict[str, Any]:
    """Return what decides to whom Kafka's clients talk, and as whom."""
    return {
        "servers": options["bootstrap_servers"],
        "protocol": options.get("security_protocol", "PLAINTEXT"),
        "mechanism": options.get("sasl_mechanism"),
        "user": options.get("sasl_plain_username"),
        "password": options.get("sasl_plain_password"),
        "tokens": type(options["sasl_oauth_token_provider"]).__name__
        if "sasl_oauth_token_provider" in options
        else None,
        "tls": context(options.get("ssl_context")),
    }


def login(address: DatabaseAddress | None) -> dict[str, Any]:
    """Return a user of MySQL; nothing where a secret of AWS holds it."""
    return {} if address is None else {"user": address.user, "password": address.password}


def tls(protection: dict[str, Any]) -> dict[str, Any]:
    """Return how MySQL's connections are protected."""
    return {"tls": context(protection.get("ssl")), "off": "ssl_disabled" in protection}


def redis(settings: Settings) -> dict[str, Any]:
    """Return what decides to whom Redis's client talks, and how."""
    options = _options(settings.redis.url)
    return {
        "servers": [f"{host}:{port}" for host, port in settings.redis.servers],
        "password": options.get("password"),
        "class": options["connection_class"].__name__,
        "ca": options.get("ssl_ca_certs"),
        "cluster": settings.redis_cluster,
    }


def context(made: ssl.SSLContext | None) -> dict[str, Any] | None:
    """Return what a TLS context checks, and the authorities that have their own name."""
    if made is None:
        return None
    subjects: list[Any] = [one["subject"] for one in made.get_ca_certs()]
    parts = [part for subject in subjects for [part] in subject]
    return {
        "verifies": made.verify_mode is ssl.CERT_REQUIRED and made.check_hostname,
        "authorities": sorted(text for name, text in parts if name == "commonName"),
    }


if __name__ == "__main__":
    sys.exit(main())
