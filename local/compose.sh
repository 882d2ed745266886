#!/bin/sh
# Runs Compose (the docker plugin, or the older docker-compose) on local/docker-compose.yml with
# the settings of local/.env; every argument is passed on. Example: local/compose.sh ps
set -eu
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then
    program="docker compose"
elif docker-compose version >/dev/null 2>&1; then
    program="docker-compose"
else
    echo "No Compose here: install Docker with its compose plugin" \
        "(https://docs.docker.com/compose/install/); without Docker, use 'make stack'." >&2
    exit 1
fi

if [ ! -f local/.env ]; then
    cp local/.env.example local/.env
    echo "local/.env was missing: copied from local/.env.example" >&2
fi

# shellcheck disable=SC2086 - "docker compose" is two words on purpose
exec $program --file local/docker-compose.yml --env-file local/.env "$@"
