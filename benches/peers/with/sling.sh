# about: Sling into jsonb, then `insert … select`
# shellcheck shell=bash
export SLING_DISABLE_TELEMETRY=true SLING_HOME_DIR="$WORK/sling"
"$(echo "$PEERS"/sling/lib/python*/site-packages/sling_linux_amd64/bin/sling-linux-amd64)" run --src-stream "file://$FILE" \
    --src-options '{"format": "json"}' --tgt-conn "$DATABASE_URL" --tgt-object public.peer_records --mode full-refresh
