#!/bin/sh
# About the containers of `make up`, from local/.env and the environment, as Compose reads them.
#
#   local/containers.sh ports       exit code 1 and a sentence when a port is taken by another program
#   local/containers.sh settings    the settings with which a program on this machine reaches them
set -eu
cd "$(dirname "$0")/.."

FILE=local/.env
[ -f $FILE ] || FILE=local/.env.example

usage() { sed -n '2,6s/^# \{0,1\}//p' local/containers.sh; }

value() { # $1 the name; the environment comes before the file
    printenv "$1" || sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" $FILE | tail -n 1 \
        | sed "s/[[:space:]]*$//; s/^[\"']//; s/[\"']$//"
}

is_open() { # $1 the port; without bash nothing is known, and Docker itself finds out
    bash -c ": </dev/tcp/127.0.0.1/$1" 2>/dev/null
}

is_ours() { # $1 the port, $2 the service, $3 its port in the container
    case "$(local/compose.sh port "$2" "$3" 2>/dev/null)" in
        *:"$1") return 0 ;;
        *) return 1 ;;
    esac
}

ports() {
    free=yes
    for line in API_PORT:api:8000 CHALICE_PORT:chalice:8001 REDIS_PORT:redis:6379 \
        KAFKA_PORT:kafka:29092 MYSQL_PORT:mysql:3306; do
        name=${line%%:*} inside=${line##*:} service=${line#*:}
        service=${service%:*} port=$(value "$name")
        case "$service,${COMPOSE_PROFILES:-}" in
            chalice,*chalice*) ;;
            chalice,*) continue ;; # it is not started
        esac
        if is_open "$port" && ! is_ours "$port" "$service" "$inside"; then
            echo "Port $port is taken by another program: stop that one," \
                "or set $name in local/.env to a free port." >&2
            free=no
        fi
    done
    [ $free = yes ]
}

export_line() { # $1 the name, $2 the value: any text, also one with quotes
    printf "export %s='%s'\n" "$1" "$(printf %s "$2" | sed "s/'/'\\\\''/g")"
}

settings() {
    mysql="seonchak:$(value MYSQL_PASSWORD)@127.0.0.1:$(value MYSQL_PORT)/seonchak"
    export_line STAGE local
    export_line REDIS_URL "redis://127.0.0.1:$(value REDIS_PORT)/0"
    export_line KAFKA_BOOTSTRAP_SERVERS "localhost:$(value KAFKA_PORT)"
    export_line DATABASE_URL "mysql://$mysql"
    export_line AUTH_JWT_SECRET "$(value AUTH_JWT_SECRET)"
    export_line COUPON_CODE_SECRET "$(value COUPON_CODE_SECRET)"
}

case "${1:-}" in
    ports) ports ;;
    settings) settings ;;
    -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
esac
