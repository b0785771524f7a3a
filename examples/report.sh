#!/bin/sh
# Runs a command as a job and reports its life to Quipu over HTTP:
#
#   QUIPU_URL=http://127.0.0.1:8080 QUIPU_TENANT=acme QUIPU_KEY=qk_... examples/report.sh builds 2 make all
#
# queues, starts and completes a job of queue "builds" that holds 2 nodes while `make all` runs, and ends as the
# command does. QUIPU_KEY is a key of a reporter of the tenant. With QUIPU_ADMIN and QUIPU_ADMIN_KEY, name and key
# of an admin of the tenant, it prints what the job used. Needs curl.
set -eu

[ $# -ge 3 ] || { echo "usage: $0 <queue> <nodes> <command> [<argument>...]" >&2; exit 2; }
: "${QUIPU_URL:?}" "${QUIPU_TENANT:?}" "${QUIPU_KEY:?}"
queue=$1 nodes=$2
shift 2
job="$(uname -n)-$$-$(date +%s)"

# report <type> <data>: sends one event and keeps the answer in $answer. The event's id says what it is, so a report that is
# repeated is counted once.
report() {
  answer=$(curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused \
    --header "Authorization: Bearer $QUIPU_KEY" \
    --header 'Content-Type: application/cloudevents+json' \
    --data-binary @- "$QUIPU_URL/api/events?ack=log" <<EVENT
{"specversion": "1.0", "id": "$job-$1", "source": "report.sh", "tenant": "$QUIPU_TENANT",
 "type": "$1", "subject": "job/$queue/$job", "time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)", "data": $2}
EVENT
  ) || { echo "$answer" >&2; return 1; }
}

report job.queued "{\"queue\": \"$queue\", \"user\": \"$(id -un)\"}"
report job.started "{\"nodes\": $nodes, \"cluster\": \"$job\"}"
status=0
"$@" || status=$?
if [ "$status" -eq 0 ]; then result=success; else result=failure; fi
report job.completed "{\"result\": \"$result\"}"

if [ -n "${QUIPU_ADMIN_KEY:-}" ]; then
  # With the token of the last report the answer waits until it counts what was reported.
  token=$(printf %s "$answer" | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
  usage=$(curl --silent --show-error --fail-with-body --retry 5 \
    --header "Coopr-UserID: $QUIPU_ADMIN" --header "Coopr-TenantID: $QUIPU_TENANT" \
    --header "Coopr-ApiKey: $QUIPU_ADMIN_KEY" --header "Quipu-After: $token" \
    "$QUIPU_URL/v2/metrics/nodes/usage?cluster=$job") || { echo "$usage" >&2; exit 1; }
  printf '%s\n' "$usage" | sed 's/.*"value":\([0-9]*\).*/node-seconds: \1/'
fi
exit "$status"
