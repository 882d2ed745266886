#!/bin/sh
# About the containers of `make up`, from local/.env and the environment, as Compose reads them.
#
#   local/containers.sh ports       exit code 1 and a sentence when a port is taken by another program
#   local/containers.sh wait        until all are ready; exit code 1 names one that will not be
#   local/containers.sh settings    the settings with which a program on this machine reaches them
#   local/containers.sh addresses   where the pages are
set -eu
cd "$(dirname "$0")/.."

FILE=local/.env
[ -f $FILE ] || FILE=local/.env.example

WAIT_S=300 # a first start of MySQL on a slow disk takes one of these minutes

usage() { sed -n '2,8s/^# \{0,1\}//p' local/containers.sh; }

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
        KAFKA_PORT:kafka:29092 MYSQL_PORT:mysql:3306 PROMETHEUS_PORT:prometheus:9090 \
        GRAFANA_PORT:grafana:3000 KAFKA_UI_PORT:kafka-ui:8080; do
        name=${line%%:*} inside=${line##*:} service=${line#*:}
        service=${service%:*} port=$(value "$name")
        case "$service,${COMPOSE_PROFILES:-}" in
            chalice,*chalice*) ;;
            prometheus,*observe* | grafana,*observe* | kafka-ui,*observe*) ;;
            chalice,* | prometheus,* | grafana,* | kafka-ui,*) continue ;; # it is not started
        esac
        if is_open "$port" && ! is_ours "$port" "$service" "$inside"; then
            echo "Port $port is taken by another program: stop that one," \
                "or set $name in local/.env to a free port." >&2
            free=no
        fi
    done
    [ $free = yes ]
}

wait_for_all() { # the older docker-compose has no --wait
    deadline=$(($(date +%s) + WAIT_S))
    form='{{.Name}} {{.State.Status}}{{.State.ExitCode}} {{with .State.Health}}{{.Status}}{{end}}'
    while :; do
        # shellcheck disable=SC2046 - one word for each container
        states=$(docker inspect --format "$form" $(local/compose.sh ps -q))
        late=$(echo "$states" | grep -v -e 'running0 healthy$' -e 'exited0 $' || true)
        [ -n "$late" ] || return 0
        if echo "$late" | grep -q -e 'unhealthy$' -e 'exited[1-9]' \
            || [ "$(date +%s)" -ge "$deadline" ]; then
            echo "Not ready: $(echo "$late" | cut -d ' ' -f 1 | tr -d / | tr '\n' ' ')" >&2
            echo "What it says: local/compose.sh logs" >&2
            return 1
        fi
        sleep 1
    done
}

export_line() { # $1 the name, $2 the value: any text, also one with quotes
    printf "export %s='%s'\n" "$1" "$(printf %s "$2" | sed "s/'/'\\\\''/g")"
}

settings() {
    mysql="127.0.0.1:$(value MYSQL_PORT)/seonchak"
    export_line STAGE local
    export_line REDIS_URL "redis://127.0.0.1:$(value REDIS_PORT)/0"
    export_line KAFKA_BOOTSTRAP_SERVERS "localhost:$(value KAFKA_PORT)"
    export_line DATABASE_URL "mysql://seonchak:$(value MYSQL_PASSWORD)@$mysql"
    export_line MIGRATION_DATABASE_URL "mysql://root:$(value MYSQL_ROOT_PASSWORD)@$mysql"
    export_line AUTH_JWT_SECRET "$(value AUTH_JWT_SECRET)"
    export_line COUPON_CODE_SECRET "$(value COUPON_CODE_SECRET)"
    export_line CHALLENGE_SECRET "$(value CHALLENGE_SECRET)"
    export_line WEBHOOK_SECRET "$(value WEBHOOK_SECRET)"
    export_line WEBHOOK_INTERNAL on
}

addresses() {
    url="http://127.0.0.1:$(value API_PORT)"
    echo "console     $url/console  sign in under any name: here each may be an administrator"
    echo "event page  $url/events/ID  of a campaign that the console has created"
    echo "interface   $url/docs  every call of the API"
}

case "${1:-}" in
    ports) ports ;;
    wait) wait_for_all ;;
    settings) settings ;;
    addresses) addresses ;;
    -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
esac
