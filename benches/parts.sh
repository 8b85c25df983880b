#!/usr/bin/env bash
# How close a load in parts comes to what Postgres itself can take on two connections: the same rows by
# two `psql \copy` at once, each of ready binary files with half of every table, and by `stevedore load`
# on one, two and four connections, in turn.
#
#   benches/parts.sh [RECORDS] [RUNS] [REJECTED_PERCENT]      (default 1000000, 5 and 1)
#
# Needs DATABASE_URL (a database whose tables user_status* may be dropped), the release build and GNU
# time. Prints medians of wall seconds, of our processor seconds and of the peak memory, and the ratios.
set -euo pipefail
cd "$(dirname "$0")/.."
records=${1:-1000000} runs=${2:-5} percent=${3:-1}
. benches/scratch.sh
# A scan that joins another one begins in the middle, and the halves would not be the whole.
export PGOPTIONS="-c synchronize_seqscans=off"
counts() { for table in $tables; do sql -c "select count(*) from $table"; done | xargs; }
numbers() { sql -c "select count(distinct record_no), max(record_no) from user_status_error_rec"; }

target/release/examples/generate --records "$records" --rejected "$percent" >"$work/users.ndjson"
"$stevedore" migrate --database-url "$url" 2>/dev/null
old_tables
load() { "$stevedore" load "$work/users.ndjson" --reload --json --mode append --connections "$1" --database-url "$url" >/dev/null; }
load 1
for table in $tables; do
    half=$(($(sql -c "select count(*) from $table") / 2))
    sql -c "\\copy (select * from $table limit $half) to '$work/$table.1' (format binary)"
    sql -c "\\copy (select * from $table offset $half) to '$work/$table.2' (format binary)"
done
for half in 1 2; do
    { echo 'begin;'; for table in $tables; do echo "\\copy $table from '$work/$table.$half' (format binary)"; done; echo 'commit;'; } >"$work/copy$half.sql"
done
expected=$(counts) expected_numbers=$(numbers)
echo "$records records, $(stat -c %s "$work/users.ndjson") bytes; rows: $expected"

limit() {
    sql -f "$work/copy1.sql" &
    local first=$!
    sql -f "$work/copy2.sql"
    wait "$first"
}
timed() { # NAME COMMAND...: appends wall seconds to NAME
    local name=$1 begin end
    shift
    old_tables
    sql -c checkpoint
    begin=$(date +%s.%N)
    "$@"
    end=$(date +%s.%N)
    echo "$begin $end" | awk '{ printf "%.4f\n", $2 - $1 }' >>"$work/$name"
    [ "$(counts)" = "$expected" ] || { echo "rows differ: $(counts)" >&2; exit 1; }
    [ "$(numbers)" = "$expected_numbers" ] || { echo "numbers differ: $(numbers)" >&2; exit 1; }
}
measured() { # CONNECTIONS: the load under GNU time, for processor seconds and memory
    /usr/bin/time -a -o "$work/used$1" -f '%U %S %M' "$stevedore" load "$work/users.ndjson" --reload --json \
        --mode append --connections "$1" --database-url "$url" >/dev/null
}
for _ in $(seq "$runs"); do
    timed limit limit
    for connections in 1 2 4; do timed "load$connections" measured "$connections"; done
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
echo "limit (\\copy binary, two connections): median $(median "$work/limit") s of $runs runs"
for connections in 1 2 4; do
    ratio=$(paste "$work/load$connections" "$work/limit" | awk '{ print $1 / $2 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
    awk '{ print $1 + $2 }' "$work/used$connections" >"$work/cpu"
    awk '{ print $3 / 1024 }' "$work/used$connections" >"$work/rss"
    echo "stevedore load --connections $connections: median $(median "$work/load$connections") s, ratio to the limit, run by run: $ratio; processor $(median "$work/cpu") s, memory at most $(sort -n "$work/rss" | tail -1) MB"
done
