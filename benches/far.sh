#!/usr/bin/env bash
# What distance costs: the same objects from a local folder and from an S3 store whose answers take 0, 20,
# 50 and 100 ms and whose streams have 90 MB/s each, loaded by `stevedore load --mode append` and by DuckDB
# (httpfs and its postgres extension), in turn, each as a whole process, the rows compared after each.
#
#   benches/far.sh [ROUNDS]      (default 3)
#
# Needs the release builds of stevedore and of the examples `generate` and `far` (or STEVEDORE, GENERATE and
# FAR name them). Without a DATABASE_URL (a scratch database) it starts a PostgreSQL of its own.
#
#   INPUTS="large medium small"   LARGE=1000000 and MEDIUM=300000 records in one object, on one connection;
#                                 OBJECTS=10000 of ten records
#   DISTANCES="local 0 20 50 100" milliseconds of an answer, in the order in which they are measured
#   PEERS_OF_FAR="stevedore duckdb"
#   DUCKDB_THREADS=32             threads of DuckDB over a store: each of them waits for one answer at a time
#   SLOW_ROUNDS=1                 rounds of DuckDB over the many small objects
#   LIMIT_SECS=900                what a run may take
#
# Writes benches/results/far.csv, and with far.py the tables, the chart and the section of benches/README.md;
# RESULTS=folder writes them elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} slow_rounds=${SLOW_ROUNDS:-1} results=${RESULTS:-$PWD/benches/results}
inputs=${INPUTS:-large medium small} distances=${DISTANCES:-local 0 20 50 100} peers=${PEERS_OF_FAR:-stevedore duckdb}
FAR=${FAR:-$PWD/target/release/examples/far} threads=${DUCKDB_THREADS:-32}
unset DUCKDB_THREADS
HERE=$PWD/benches/peers
# shellcheck source-path=SCRIPTDIR source=peers/load.sh
. "$HERE/load.sh"
"$HERE/install.sh" duckdb
open_scratch far
objects=$WORK/objects
mkdir -p "$objects/small"
export AWS_ACCESS_KEY_ID=far AWS_SECRET_ACCESS_KEY=far-away AWS_REGION=us-east-1 AWS_ENDPOINT_URL

# The file or folder of an input below a folder or bucket, as a peer is to be told of it.
location() { # ROOT INPUT PEER
    case $2-$3 in
    small-stevedore) echo "$1/small/" ;;
    small-duckdb) echo "$1/small/*.ndjson" ;;
    *) echo "$1/$2.ndjson" ;;
    esac
}
script() { # INPUT PEER
    case $1-$2 in
    *-duckdb) echo duckdb-postgres.sh ;;
    small-*) echo stevedore.sh ;;
    *) echo stevedore-one.sh ;;
    esac
}
records() {
    case $1 in
    large) echo "${LARGE:-1000000}" ;;
    medium) echo "${MEDIUM:-300000}" ;;
    small) echo $((${OBJECTS:-10000} * 10)) ;;
    esac
}

declare -A expected_of endpoint
for input in $inputs; do
    reference --records "$(records "$input")"
    expected_of[$input]=$expected
    if [ "$input" = small ]; then
        split --lines 10 --suffix-length 6 --numeric-suffixes --additional-suffix .ndjson "$FILE" "$objects/small/object-"
    else
        mv "$FILE" "$objects/$input.ndjson"
    fi
done

# The store, at each of the distances.
read -ra delays <<<"${distances//local/}"
coproc STORE { exec "$FAR" "$objects" "${delays[@]}"; }
trap 'kill "$STORE_PID" 2>/dev/null || true; close_scratch' EXIT
for _ in "${delays[@]}"; do
    read -r delay url <&"${STORE[0]}"
    endpoint[$delay]=$url
done

# Prints what came of a run: equal, or what is wrong.
outcome() { # INPUT
    case ${cost%%,*} in
    0) [ "$(fingerprint)" = "${expected_of[$1]}" ] && echo equal || echo "rows differ" ;;
    -9) echo "ended after ${LIMIT_SECS:-900} s" ;;
    *) echo "failed: $(tail -1 "$WORK/said" | tr ',"' ';\047' | cut -c1-200)" ;;
    esac
}

run() { # INPUT DISTANCE PEER ROUND
    local root=$objects result
    unset DUCKDB_THREADS
    if [ "$2" != local ]; then
        root=s3://far AWS_ENDPOINT_URL=${endpoint[$2]}
        export DUCKDB_THREADS=$threads
    fi
    FILE=$(location "$root" "$1" "$3")
    prepare "$(script "$1" "$3")"
    measure "$(script "$1" "$3")"
    result=$(outcome "$1")
    echo "$1,$2,$3,$4,${cost#*,},$result" | tee -a "$WORK/csv" >&2
}

{
    describe_machine
    echo "# versions: $("$STEVEDORE" --version), $(paste -sd' ' "$PEERS/duckdb/installed")"
    for input in $inputs; do
        echo "# input: $input, $(records "$input") records, $(find "$objects" -path "*$input*" -name '*.ndjson' | wc -l) objects," \
            "$(find "$objects" -path "*$input*" -name '*.ndjson' -printf '%s\n' | awk '{ sum += $1 } END { print sum }') bytes"
    done
    echo "# DuckDB over a store has $threads threads, from the folder as many as processors"
    echo "input,distance,peer,round,wall_s,client_cpu_s,server_cpu_s,rss_mb,rows"
} | tee "$WORK/csv" >&2
for round in $(seq "$rounds"); do
    for input in $inputs; do
        for distance in $distances; do
            for peer in $peers; do
                [ "$input-$peer" != small-duckdb ] || [ "$round" -le "$slow_rounds" ] || continue
                run "$input" "$distance" "$peer" "$round"
            done
        done
    done
done
mkdir -p "$results"
cp "$WORK/csv" "$results/far.csv"
python3 benches/far.py "$results"
