#!/usr/bin/env bash
# Invoke a function and wait for it: infra/invoke.sh FUNCTION [EVENT], e.g.
#
#     infra/invoke.sh "$(output MigrateFunction)" '{"partitions": 24}'
#
# Prints what the function returned. Ends with 1 when it raised an error: the AWS CLI alone ends
# with 0 then, so that a deployment would go on with a migration that failed.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 || $1 == -* ]]; then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"
    [[ ${1-} == -h || ${1-} == --help ]] && exit 0
    exit 2
fi

nothing='{}'
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
# The longest function runs for 900 s, and a second attempt of the CLI would run beside the first.
error=$(AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name "$1" --payload "${2:-$nothing}" \
    --cli-binary-format raw-in-base64-out --cli-read-timeout 920 \
    --query FunctionError --output text "$answer")
if [[ $error == None ]]; then
    cat "$answer"
    echo
else
    { cat "$answer"; echo; echo "$1 failed ($error); its log says more"; } >&2
    exit 1
fi
