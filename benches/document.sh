#!/usr/bin/env bash
# How much memory a load takes of one document with its records at `$.a.b[*]`: orders, about 1 GB by default.
# Fails when the peak is above LIMIT_MB (default 150).
#
#   benches/document.sh [RECORDS]      (default 1500000)
#
# Needs DATABASE_URL (a database whose tables orders, order_items and item_discounts may be dropped), GNU time and the
# release build. Prints bytes, wall seconds and the peak memory (RSS) of the whole program.
set -euo pipefail
cd "$(dirname "$0")/.."
records=${1:-1500000} limit_mb=${LIMIT_MB:-150}
. benches/scratch.sh
{ echo 'records = "$.a.b[*]"'; cat feeds/examples/orders.toml; } >"$work/orders.toml"
{
    printf '{"source": "made up", "a": {"b": ['
    target/release/examples/generate --orders --records "$records" | sed '$!s/$/,/'
    printf '], "c": null}}\n'
} >"$work/orders.json"
sql -c "set client_min_messages = warning; drop table if exists orders, order_items, item_discounts, orders_rejects"
/usr/bin/time -f '%e %M' -o "$work/cost" "$stevedore" load "$work/orders.json" --feed "$work/orders.toml" --mode append \
    --reload --json --no-preflight --connections 1 --database-url "$url" >/dev/null
loaded=$(sql -c "select count(*) from orders")
[ "$loaded" = "$records" ] || { echo "rows differ: $loaded, expected $records" >&2; exit 1; }
read -r seconds peak_kb <"$work/cost"
echo "$records records in one document of $(stat -c %s "$work/orders.json") bytes: $seconds s, at most $((peak_kb / 1024)) MB"
[ "$peak_kb" -le $((limit_mb * 1024)) ] || { echo "more than $limit_mb MB" >&2; exit 1; }
