#!/usr/bin/env bash
# How close a load comes to what Postgres itself can take: the same rows by `psql \copy` of ready
# binary files over one connection, and by `stevedore load`, in turn.
#
#   benches/limit.sh [RECORDS] [RUNS]      (default 100000 and 7)
#
# Needs DATABASE_URL (a database whose tables user_status* may be dropped) and the release build.
# Prints medians of wall seconds and the ratios. MERGE=1 measures merge mode too: into an empty table, and
# into one that holds the same keys, of whose rows the input is later than all, than a tenth, or than none.
set -euo pipefail
cd "$(dirname "$0")/.."
records=${1:-100000} runs=${2:-7}
. benches/scratch.sh

no_tables() {
    sql -c "set client_min_messages = warning; drop table if exists user_status, user_status_log, user_status_error_rec"
}
checkpoint() { sql -c checkpoint; }

target/release/examples/generate --records "$records" >"$work/users.ndjson"
"$stevedore" migrate --database-url "$url" 2>/dev/null
old_tables
"$stevedore" load "$work/users.ndjson" --mode append --reload --json --database-url "$url" >"$work/loaded.json"
for table in $tables; do sql -c "\\copy $table to '$work/$table' (format binary)"; done
for table in $tables; do echo "\\copy $table from '$work/$table' (format binary)"; done >"$work/copy.sql"
expected=$(for table in $tables; do sql -c "select count(*) from $table"; done | xargs)
echo "$records records, $(stat -c %s "$work/users.ndjson") bytes; rows: $expected"

limit() { { echo 'begin;'; cat "$work/copy.sql"; echo 'commit;'; } >"$work/all.sql"; sql -f "$work/all.sql"; }
load() { "$stevedore" load "$work/users.ndjson" --reload --json --mode "$1" --connections 1 --database-url "$url" >/dev/null; }
timed() { # NAME COMMAND...: appends the wall seconds to the file NAME
    local name=$1 begin end
    shift
    begin=$(date +%s.%N)
    "$@"
    end=$(date +%s.%N)
    echo "$begin $end" | awk '{ printf "%.4f\n", $2 - $1 }' >>"$work/$name"
}
check() {
    local found
    found=$(for table in $tables; do sql -c "select count(*) from $table"; done | xargs)
    [ "$found" = "$expected" ] || { echo "rows differ: $found" >&2; exit 1; }
}
# NAME LATER: a merge into the table as it is, with rows that are older than the input where LATER says so, and
# newer elsewhere.
merge_into() {
    sql -c "update user_status set lastvisitedat = lastvisitedat + case when $2 then -1 else 1 end * 1000" -c "vacuum full user_status"
    checkpoint
    timed "merge-$1" load merge
}
for _ in $(seq "$runs"); do
    old_tables; checkpoint; timed limit limit; check
    old_tables; checkpoint; timed append load append; check
    if [ -n "${MERGE:-}" ]; then
        no_tables; "$stevedore" migrate --database-url "$url" 2>/dev/null; checkpoint; timed merge-empty load merge; check
        merge_into all true
        merge_into tenth "hashtext(userid) % 10 = 0"
        merge_into none false
    fi
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
limit_median=$(median "$work/limit")
echo "limit (\\copy binary, one connection): median $limit_median s of $runs runs"
for name in append merge-empty merge-all merge-tenth merge-none; do
    [ -f "$work/$name" ] || continue
    ratio=$(paste "$work/$name" "$work/limit" | awk '{ print $1 / $2 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
    echo "stevedore load, $name: median $(median "$work/$name") s, ratio to the limit, pair by pair: $ratio"
done
