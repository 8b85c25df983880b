#!/usr/bin/env bash
# What it costs to deliver a file again: each peer loads it, and then the same file a second time, which is measured.
#
#   benches/peers/again.sh [RECORDS] [ROUNDS]      (default 100000 and 3)
#
# Needs what run.sh needs. ONLY="a b" takes these of with/. Writes benches/results/again-RECORDS.csv and, with again.py,
# again-RECORDS.md; RESULTS=folder writes them elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
records=${1:-100000} rounds=${2:-3}
results=${RESULTS:-$PWD/benches/results}
HERE=$PWD/benches/peers
# shellcheck source-path=SCRIPTDIR source=load.sh
. "$HERE/load.sh"
"$HERE/install.sh" dlt sling duckdb polars
open_scratch again

# How often the rows of the file are in the tables.
times_there() { sql -c "select round(count(*)::numeric / $rows, 2) from user_status"; }

again() { # PEER ROUND
    prepare "$1"
    unset RELOAD
    measure "$1"
    [ "${cost%%,*}" = 0 ] || { cat "$WORK/said" >&2; exit 1; }
    sql -c checkpoint
    export RELOAD= # stevedore is not asked to load it again
    measure "$1"
    [ "${cost%%,*}" = 0 ] || { cat "$WORK/said" >&2; exit 1; }
    echo "${1%.*},\"$(about "$1" about | sed 's/"/""/g')\",$2,${cost#*,},$(times_there)" | tee -a "$WORK/csv" >&2
}

reference --records "$records"
rows=$(sql -c 'select count(*) from user_status')
{
    echo "# records: $records ($(stat -c %s "$FILE") bytes)"
    describe_machine
    echo "# versions: $(cat "$PEERS"/{dlt,sling,duckdb,polars}/installed | paste -sd' ')"
    echo "peer,about,round,wall_s,client_cpu_s,server_cpu_s,rss_mb,times_there"
} | tee "$WORK/csv" >&2
for round in $(seq "$rounds"); do
    for peer in ${ONLY:-stevedore.sh duckdb-postgres.sh jsonb.sh polars-copy.py sling.sh dlt-pages.py}; do
        again "$peer" "$round"
    done
done
mkdir -p "$results"
cp "$WORK/csv" "$results/again-$records.csv"
python3 -B "$HERE/again.py" "$results/again-$records.csv"
