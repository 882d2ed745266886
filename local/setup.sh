#!/bin/sh
# Sets up what make needs on a bare machine; quick when everything is there already.
#
#   local/setup.sh python      .venv with everything of requirements/dev.txt
#   local/setup.sh database    a MariaDB or MySQL server, unless DATABASE_URL names one
#   local/setup.sh prometheus  promtool and Prometheus, into out/prometheus where there are none
#
# PYTHON=python3.12 chooses another interpreter. Exit code 1 says in one sentence what is missing.
set -eu

cd "$(dirname "$0")/.."
VENV=.venv
STAMP=$VENV/requirements.stamp
LOCK=.setup.lock

usage() { sed -n '2,8s/^# \{0,1\}//p' local/setup.sh; }
say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
has() { command -v "$1" >/dev/null 2>&1; }

apt_install() { # as root only; its output is shown only when it fails
    log=$(mktemp)
    if { [ -n "${APT_UPDATED:-}" ] || apt-get update -qq; } >"$log" 2>&1 \
        && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; then
        APT_UPDATED=yes
        rm -f "$log"
        return 0
    fi
    tail -n 15 "$log" >&2
    rm -f "$log"
    return 1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if has "$candidate" && "$candidate" -c \
            'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() { # $1 the interpreter
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        "$1" -m venv --clear $VENV
    elif is_root && has apt-get && say "installing python3-venv" \
        && apt_install python3-venv && "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        "$1" -m venv --clear $VENV
    elif "$1" -m pip --version >/dev/null 2>&1; then
        folder=$(mktemp -d)
        "$1" -m pip install -q --disable-pip-version-check --target "$folder" \
            --require-hashes -r requirements/venv.txt
        PYTHONPATH=$folder "$1" -m virtualenv -q --clear $VENV
        rm -rf "$folder"
    else
        fail "this Python has neither venv nor pip: install one" \
            "(Debian, Ubuntu: apt-get install python3-venv)"
    fi
}

is_ready() { # $1 the stamp that is wanted
    [ -x $VENV/bin/python ] && [ "$(cat $STAMP 2>/dev/null)" = "$1" ]
}

lock() { # one at a time: the README starts several programs at once
    until mkdir $LOCK 2>/dev/null; do
        owner=$(cat $LOCK/pid 2>/dev/null || true)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf $LOCK # it was killed
        fi
        sleep 0.2
    done
    echo $$ >$LOCK/pid
    trap 'rm -rf $LOCK' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

setup_python() {
    python=$(find_python) || fail "Python 3.11 or later is needed:" \
        "install it, or name it (PYTHON=/path/to/python3.12)"
    # The interpreter belongs to the stamp: another one makes the environment again.
    wanted=$({ "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
        cat requirements/dev.txt; } | cksum)
    is_ready "$wanted" && return 0
    # To make it again through a link would empty a folder that other checkouts use.
    [ ! -L $VENV ] || fail "$VENV is a link and not up to date: remove the link and try again"
    lock
    is_ready "$wanted" && return 0 # another process has made it meanwhile
    say "making $VENV with $("$python" --version)"
    rm -f $STAMP
    make_venv "$python"
    say "installing requirements/dev.txt (a minute or two the first time)"
    $VENV/bin/python -m pip install -q --disable-pip-version-check --no-input \
        --root-user-action=ignore --require-hashes -r requirements/dev.txt \
        || fail "pip could not install requirements/dev.txt (see above)"
    printf '%s\n' "$wanted" >$STAMP
    say "$VENV is ready"
}

has_database() { # the same search as the program that starts it
    $VENV/bin/python -c 'from local.servers.mariadb import find_server; find_server()' 2>/dev/null \
        || PATH=$PATH:/usr/sbin:/usr/libexec has mariadbd \
        || PATH=$PATH:/usr/sbin:/usr/libexec has mysqld
}

setup_database() {
    if [ -n "${DATABASE_URL:-}" ] || has_database; then
        return 0
    fi
    if is_root && has apt-get; then
        say "installing MariaDB (no service is started)"
        # The core packages have the programs without a service; else the whole package.
        apt_install mariadb-server-core mariadb-client-core || apt_install mariadb-server \
            || fail "apt-get could not install MariaDB (see above)"
        has_database || fail "MariaDB was installed, but mariadbd is missing"
        return 0
    fi
    fail "a MariaDB or MySQL server is needed: install one" \
        "(Debian, Ubuntu: apt-get install mariadb-server; macOS: brew install mariadb)," \
        "or set DATABASE_URL"
}

has_prometheus() {
    { has promtool && has prometheus; } || [ -x out/prometheus/usr/bin/promtool ]
}

# Not installed: Debian's package would start a service on a developer's machine. Unpacking takes a
# second and no rights; to build promtool takes minutes.
setup_prometheus() {
    has_prometheus && return 0
    { has apt-get && has dpkg-deb; } || fail "promtool and prometheus are needed:" \
        "install Prometheus (macOS: brew install prometheus)"
    say "fetching Prometheus into out/prometheus (nothing is installed)"
    mkdir -p out/prometheus
    for attempt in first second; do
        (cd out/prometheus && apt-get download -qq prometheus >log 2>&1) && break
        [ $attempt = first ] && is_root && apt-get update -qq >/dev/null 2>&1 \
            || fail "apt-get could not download prometheus: $(tail -n 1 out/prometheus/log)"
    done
    dpkg-deb -x out/prometheus/prometheus_*.deb out/prometheus
    rm -f out/prometheus/*.deb
}

case "${1:-}" in
    python) setup_python ;;
    prometheus) setup_prometheus ;;
    database) setup_database ;;
    -h | --help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
