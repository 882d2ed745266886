"""Real servers without Docker: each is a process with a private, temporary directory."""

from local.servers.apache_kafka import ApacheKafka
from local.servers.mariadb import MariaDB
from local.servers.process import Server, ServerError
from local.servers.tansu import Tansu
from local.servers.valkey import Valkey
from local.servers.valkey_cluster import ValkeyCluster
from local.servers.valkey_group import ValkeyGroup, ValkeySentinel

__all__ = [
    "ApacheKafka",
    "MariaDB",
    "Server",
    "ServerError",
    "Tansu",
    "Valkey",
    "ValkeyCluster",
    "ValkeyGroup",
    "ValkeySentinel",
]
