# about: faucet, then `insert … select`
# needs: faucet
# slow
# shellcheck shell=bash
# It has no source for a local file of JSON lines: a CSV of one column is one, as its quote and
# delimiter are characters that no JSON holds.
set -e
copy() { psql -qX -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"; }
cat >"$SCRATCH/faucet.yaml" <<YAML
version: 1
name: peer
pipeline:
  source:
    type: csv
    config: { path: "$FILE", has_headers: false, quote: 1, delimiter: 2, batch_size: 10000 }
  sink:
    type: postgres
    config: { connection_url: "$DATABASE_URL", table_name: peer_records, column_mapping: auto_map, batch_size: 10000, max_connections: 2 }
YAML
copy -c 'create unlogged table peer_records (column_0 text)'
"$PEERS/faucet/bin/faucet" run "$SCRATCH/faucet.yaml"
copy -v record=column_0::jsonb --single-transaction -f "$HERE/unnest.sql" -c 'drop table peer_records'
