#!/usr/bin/env bash
# How stevedore compares with what else loads typed records into Postgres: orders (three tables, lists within lists)
# and wide events (sixty columns), by `\copy` of ready binary files over one connection, by `stevedore load` over
# one, and by DuckDB with its postgres extension, in turn, the rows compared after each.
#
#   benches/peers/feeds.sh [RECORDS] [ROUNDS]      (default 200000 and 5)
#
# Needs target/release/stevedore and target/release/examples/generate (or STEVEDORE and GENERATE), and installs
# DuckDB. Without a DATABASE_URL (a scratch database) it starts a PostgreSQL of its own. Writes
# benches/results/feeds-RECORDS.csv, or below RESULTS, and prints medians.
set -euo pipefail
cd "$(dirname "$0")/../.."
records=${1:-200000} rounds=${2:-5}
results=${RESULTS:-$PWD/benches/results}
HERE=$PWD/benches/peers
# shellcheck source-path=SCRIPTDIR source=load.sh
. "$HERE/load.sh"
"$HERE/install.sh" duckdb
open_scratch feeds
packages=$(echo "$PEERS"/duckdb/lib/python*/site-packages)

run_stevedore() {
    "$STEVEDORE" load "$FILE" --feed "$feed" --mode append --connections 1 --reload --no-preflight --json
}
run_limit() {
    { echo 'begin;'; for table in $tables; do echo "\\copy $table from '$READY/$table' (format binary)"; done; echo 'commit;'; } |
        psql -qX -v ON_ERROR_STOP=1 "$DATABASE_URL"
}
run_duckdb() {
    {
        echo "load '$(echo "$packages"/duckdb_extension_postgres_scanner/extensions/*/postgres_scanner.duckdb_extension)';"
        echo "set preserve_insertion_order = false; set TimeZone = 'UTC';"
        echo "set variable file = '$FILE';"
        echo "attach '$DATABASE_URL' as pg (type postgres);"
        cat "$HERE/feeds/$subject.sql"
        echo 'begin;'
        for table in $tables; do echo "insert into pg.public.$table select * from $table;"; done
        echo 'commit;'
    } | "$packages/duckdb_cli/duckdb" -bail :memory:
}
fingerprints() { for table in $tables; do sql -v table="$table" -f "$HERE/feeds/fingerprint.sql"; done; }
empty() { sql -c "truncate $(echo "$tables" | tr ' ' ',')" -c checkpoint; sync; }
export -f run_stevedore run_limit run_duckdb
export feed tables subject packages

load_by() { # PEER ROUND
    empty
    "$HERE/measure.py" "$POSTMASTER" "${LIMIT_SECS:-900}" bash -c "run_$1" >"$WORK/cost" 2>"$WORK/said"
    local cost rows
    cost=$(tail -1 "$WORK/cost")
    rows=$(fingerprints)
    if [ "$rows" = "$expected" ]; then rows=equal; else rows="rows differ: $(echo "$rows" | paste -sd' ')"; fi
    echo "$subject,$1,$2,${cost#*,},$rows" | tee -a "$WORK/csv" >&2
    [ "$rows" = equal ] || { cat "$WORK/said" >&2; exit 1; }
}

{
    describe_machine
    echo "# versions: $(paste -sd' ' "$PEERS/duckdb/installed")"
    echo "subject,peer,round,wall_s,client_cpu_s,server_cpu_s,rss_mb,rows"
} | tee "$WORK/csv" >&2
for subject in ${ONLY:-orders events}; do
    case $subject in
    orders) feed=feeds/examples/orders.toml tables="orders order_items item_discounts" ;;
    events) feed=benches/events.toml tables=events ;;
    esac
    "$GENERATE" "--$subject" --records "$records" >"$FILE"
    echo "# $subject: $records records, $(stat -c %s "$FILE") bytes" | tee -a "$WORK/csv" >&2
    run_stevedore >/dev/null
    expected=$(fingerprints)
    for table in $tables; do sql -c "\\copy $table to '$READY/$table' (format binary)"; done
    for round in $(seq "$rounds"); do
        for peer in limit stevedore duckdb; do load_by $peer "$round"; done
    done
done
mkdir -p "$results"
cp "$WORK/csv" "$results/feeds-$records.csv"
python3 "$HERE/feeds.py" "$results/feeds-$records.csv"
