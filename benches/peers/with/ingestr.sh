# about: ingestr, then `insert … select`
# needs: ingestr
# slow
# shellcheck shell=bash
# It reads JSON lines from stores and over HTTP, not from a folder.
set -e
mkdir "$SCRATCH/served"
ln "$FILE" "$SCRATCH/served/users.jsonl"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 -m http.server "$port" --bind 127.0.0.1 --directory "$SCRATCH/served" >/dev/null 2>&1 &
trap 'kill $!' EXIT
until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.01; done
export INGESTR_DISABLE_TELEMETRY=true RUNTIME__DLTHUB_TELEMETRY=false TMPDIR=$SCRATCH HOME=$SCRATCH
"$PEERS/ingestr/bin/ingestr" ingest --yes --progress log \
    --source-uri "http://127.0.0.1:$port/users.jsonl" --source-table records#jsonl \
    --dest-uri "$DATABASE_URL" --dest-table public.peer_records --schema-naming direct \
    --columns 'createdAt:text,statusLogs:json' --pipelines-dir "$SCRATCH/pipelines"
psql -qX -v ON_ERROR_STOP=1 -v 'record=to_jsonb(peer_records)' --single-transaction \
    -f "$HERE/unnest.sql" -c 'drop table peer_records' "$DATABASE_URL"
