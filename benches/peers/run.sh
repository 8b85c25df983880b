#!/usr/bin/env bash
# How stevedore compares with what else loads JSON into Postgres: the same generated file, the same
# server, in turn, each as a whole process from its start to its end, the rows compared after each.
#
#   benches/peers/run.sh [RECORDS] [ROUNDS]      (default 100000 and 5)
#
# Needs target/release/stevedore and target/release/examples/generate (or STEVEDORE and GENERATE);
# installs the rest (install.sh). Without a DATABASE_URL (a scratch database) it starts a PostgreSQL of
# its own. ONLY="a b" takes these of with/, SLOW_ROUNDS (default 2) is for the peers marked slow,
# LIMIT_SECS (default 900) what a run may take. A peer that fails is not run again. Writes benches/results/peers-RECORDS.csv, and with
# report.py the tables, the chart and the section of benches/README.md; RESULTS=folder writes them elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
records=${1:-100000} rounds=${2:-5} slow_rounds=${SLOW_ROUNDS:-2}
results=${RESULTS:-$PWD/benches/results}
HERE=$PWD/benches/peers
# shellcheck source-path=SCRIPTDIR source=load.sh
. "$HERE/load.sh"
"$HERE/install.sh"
open_scratch peers

marked() { grep -qx "# $2" "$HERE/with/$1"; }

describe() {
    echo "# records: $records ($(stat -c %s "$FILE") bytes); rows: $(echo "$expected" | cut -d'|' -f2 | paste -sd+)"
    describe_machine
    echo "# versions: $(sort -u "$PEERS"/*/installed | paste -sd' ')"
    [ -z "${ONLY:-}" ] || echo "# only these were run: $ONLY"
    sed 's/^/# left out: /' "$PEERS/left-out"
    echo "peer,about,round,wall_s,client_cpu_s,server_cpu_s,rss_mb,rows"
}

# Prints what a peer says went wrong, as one field.
complaint() {
    { grep -iE 'error|fatal' "$WORK/said" || tail -1 "$WORK/said"; } | tail -1 | tr ',"' ';\047' | cut -c1-200
}

# Prints what came of a run: equal, or what is wrong.
outcome() {
    local found
    case ${cost%%,*} in
    0) ;;
    -9) echo "ended after ${LIMIT_SECS:-900} s" && return ;;
    *) echo "failed: $(complaint)" && return ;;
    esac
    found=$(fingerprint)
    if [ "$found" = "$expected" ]; then echo equal; else echo "rows differ: $(echo "$found" | paste -sd' ')"; fi
}

run() { # PEER ROUND
    local result
    prepare "$1"
    measure "$1"
    result=$(outcome)
    echo "${1%.*},\"$(about "$1" about | sed 's/"/""/g')\",$2,${cost#*,},$result" | tee -a "$WORK/csv" >&2
    [ "$result" = equal ]
}

# What is installed; the order is that of the names, and the same in each round.
chosen() {
    local peer
    for peer in "$HERE"/with/*; do
        peer=$(basename "$peer")
        [ -z "${ONLY:-}" ] || case " $ONLY " in *" ${peer%.*} "*) ;; *) continue ;; esac
        # A smaller file is loaded on one connection anyway.
        [ "$peer" != stevedore-one.sh ] || [ "$(stat -c %s "$FILE")" -ge $((128 << 20)) ] || continue
        [ -z "$(about "$peer" needs)" ] || [ -e "$PEERS/$(about "$peer" needs)/installed" ] || continue
        echo "$peer"
    done
}

reference --records "$records"
ready_files
describe | tee "$WORK/csv" >&2
mapfile -t peers < <(chosen)
declare -A failed=()
for round in $(seq "$rounds"); do
    for peer in "${peers[@]}"; do
        [ -z "${failed[$peer]:-}" ] || continue
        ! marked "$peer" slow || [ "$round" -le "$slow_rounds" ] || continue
        run "$peer" "$round" || failed[$peer]=yes
    done
done
mkdir -p "$results"
cp "$WORK/csv" "$results/peers-$records.csv"
python3 "$HERE/report.py" "$results"
