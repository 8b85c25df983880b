# about: Sling, then `insert … select`
# needs: sling
# shellcheck shell=bash
set -e
export SLING_DISABLE_TELEMETRY=true SLING_HOME_DIR="$SCRATCH/sling"
# It wants encryption unless told not to, and a server of one's own has none.
case $DATABASE_URL in
*sslmode=*) url=$DATABASE_URL ;;
*\?*) url="$DATABASE_URL&sslmode=disable" ;;
*) url="$DATABASE_URL?sslmode=disable" ;;
esac
program=$(echo "$PEERS"/sling/lib/python*/site-packages/sling_linux_amd64/bin/sling-linux-amd64)
"$program" run --src-stream "file://$FILE" --src-options '{"format": "json"}' \
    --tgt-conn "$url" --tgt-object public.peer_records --mode full-refresh
exec psql -qX -v ON_ERROR_STOP=1 -v record=data --single-transaction \
    -f "$HERE/unnest.sql" -c 'drop table peer_records' "$DATABASE_URL"
