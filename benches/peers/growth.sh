#!/usr/bin/env bash
# How the cost of a load grows with its records, their logs and the share of rejected ones: wall
# seconds and peak memory of `stevedore load --mode append`, and `\copy` of the same rows as ready
# binary files over one connection (up to 1 M records), in turn.
#
#   benches/peers/growth.sh [ROUNDS]      (default 3; of files over 1 M records one)
#
# Needs what run.sh needs of stevedore; MAX_RECORDS (default 5000000) leaves out larger files. Writes
# benches/results/growth.csv, growth.md and growth.svg; RESULTS=folder writes them elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3} results=${RESULTS:-$PWD/benches/results}
HERE=$PWD/benches/peers
# shellcheck source-path=SCRIPTDIR source=load.sh
. "$HERE/load.sh"
open_scratch growth

measured() { # PEER: what a run of it cost
    prepare "$1"
    measure "$1"
    [ "${cost%%,*}" = 0 ] || { cat "$WORK/said" >&2; exit 1; }
}

point() { # SERIES RECORDS LOGS REJECTED
    local round of=$rounds peer peers="stevedore.sh limit-one.sh"
    [ "$2" -le "${MAX_RECORDS:-5000000}" ] || return 0
    reference --records "$2" --logs "$3" --rejected "$4"
    if [ "$2" -le 1000000 ]; then ready_files; else of=1 peers=stevedore.sh; fi
    for round in $(seq "$of"); do
        for peer in $peers; do
            measured "$peer"
            [ "$(fingerprint)" = "$expected" ] || { echo "rows differ" >&2; exit 1; }
            echo "$1,$2,$3,$4,$(stat -c %s "$FILE"),${peer%.*},$round,${cost#*,}" | tee -a "$WORK/csv" >&2
        done
    done
}

{
    describe_machine
    echo "series,records,logs,rejected,bytes,peer,round,wall_s,client_cpu_s,server_cpu_s,rss_mb"
} | tee "$WORK/csv" >&2
for records in 10000 100000 1000000 5000000; do point records $records 5 1; done
for logs in 1 5 20; do point logs 100000 $logs 1; done
for rejected in 0 1 50; do point rejected 100000 5 $rejected; done
mkdir -p "$results"
cp "$WORK/csv" "$results/growth.csv"
python3 "$HERE/growth.py" "$results"
