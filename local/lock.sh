#!/bin/sh
# Locks what pip installs: each requirements/NAME.in becomes a file with every package that it needs,
# its version, and the sha256 of each of its files, for Python 3.11 and later on every platform.
#
#   local/lock.sh                              keeps every version that a lock has already
#   local/lock.sh --upgrade                    the newest version of what no .in file pins
#   local/lock.sh --upgrade-package urllib3    the same for one package
set -eu
cd "$(dirname "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="make lock"

case "${1:-}" in
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' local/lock.sh; exit 0 ;;
esac

lock() { # $1 the .in file, $2 the lock; the others go on to uv
    source=$1 target=$2
    shift 2
    .venv/bin/uv pip compile --quiet --python .venv/bin/python --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --annotation-style line --output-file "$target" \
        "$@" "$source"
    echo "lock: $target" >&2
}

# The widest first: the others are parts of it and take its versions, so that the tests run on
# exactly what is deployed.
lock requirements/dev.in requirements/dev.txt "$@"
lock requirements/local.in requirements/local.txt --constraint requirements/dev.txt "$@"
lock requirements/runtime.in requirements.txt --constraint requirements/dev.txt "$@"
lock requirements/traces.in requirements/traces.txt --constraint requirements/dev.txt "$@"
# Environments of their own.
for name in infra helm load api venv; do
    lock "requirements/$name.in" "requirements/$name.txt" "$@"
done
