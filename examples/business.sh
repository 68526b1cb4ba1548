#!/usr/bin/env bash
# The three worked examples of the business API's safeguards, against a running node:
#
#   BASE=http://127.0.0.1:8080 TOKEN=$(tenon token --sub u1 --role authenticated) examples/business.sh
#
# 1 creates a business under an Idempotency-Key, and sends the same request again; 2 changes it with concurrency tokens,
# and again with the ones that are stale by then; 3 deletes it with a stale date, and with the right version. Ends with an
# error at the first answer that is not the one promised. Needs curl.
set -euo pipefail
: "${BASE:?the address of a node, such as http://127.0.0.1:8080}" "${TOKEN:?a bearer token}"
readonly owner=${OWNER:-u1} name=${NAME:-GVD $RANDOM$RANDOM}  # the owner is the user that the token is of
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

say() { printf '\n# %s\n' "$*"; }

# send EXPECTED_STATUS METHOD PATH [curl's options...]: prints the answer and keeps it in the file $answer.
send() {
  local expected=$1 method=$2 path=$3 status
  shift 3
  printf '> %s %s\n' "$method" "$path"
  curl -sS -i -o "$answer" -X "$method" -H "Authorization: Bearer $TOKEN" "$@" "$BASE$path"
  tr -d '\r' < "$answer" > "$answer.lines" && mv "$answer.lines" "$answer"
  grep -iE '^(HTTP/|etag:|last-modified:|idempotency-status:)' "$answer"
  tail -n 1 "$answer"; echo
  status=$(head -n 1 "$answer" | cut -d ' ' -f 2)
  if [ "$status" != "$expected" ]; then echo "expected $expected, got $status" >&2; exit 1; fi
}
header() { grep -i "^$1: " "$answer" | head -n 1 | cut -d ' ' -f 2-; }
promise() { if [ "$2" != "$3" ]; then echo "$1: expected $3, got $2" >&2; exit 1; fi; }

say "1. Idempotent create: the second sending is a replay of the first"
readonly key=$(cat /proc/sys/kernel/random/uuid)
create=(-H "Idempotency-Key: $key" -H 'Content-Type: application/json'
  -d "{ \"name\": \"$name\", \"ownerId\": \"$owner\", \"category\": \"Dispensary\", \"address\": { \"state\": \"CA\", \"city\": \"LA\" } }")
send 201 POST /api/business "${create[@]}"
promise Idempotency-Status "$(header Idempotency-Status)" stored
readonly business=$(header Location) first=$(tail -n 1 "$answer")
send 201 POST /api/business "${create[@]}"
promise Idempotency-Status "$(header Idempotency-Status)" replayed
promise 'the replayed body' "$(tail -n 1 "$answer")" "$first"

say "2. A change says which version it changes, in as many ways as it likes; all must hold"
send 200 GET "$business"
promise ETag "$(header ETag)" 'W/"v1"'
readonly read_at=$(header Last-Modified)
change=(-H "If-Unmodified-Since: $read_at" -H 'Content-Type: application/json'
  -d "{ \"name\": \"$name Dispensary\", \"taxRate\": 8.5, \"version\": 1 }")
send 200 PATCH "$business" "${change[@]}"
promise ETag "$(header ETag)" 'W/"v2"'
promise Last-Modified "$(header Last-Modified | wc -w)" 6
send 409 PATCH "$business" "${change[@]}"
grep -q '"error":"Conflict: resource modified or not found"' "$answer"
send 428 PATCH "$business" -H 'Content-Type: application/json' -d '{ "taxRate": 9 }'

say "3. A deletion too; a date that is stale deletes nothing"
send 409 DELETE "$business" -H 'If-Unmodified-Since: Tue, 02 Dec 2025 05:21:11 GMT'
grep -q '"error":"Conflict: resource modified or not found"' "$answer"
send 428 DELETE "$business"
send 204 DELETE "$business" -H 'If-Match-Version: 2'
send 404 GET "$business"
echo "all as promised"
