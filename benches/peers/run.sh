#!/usr/bin/env bash
# How stevedore compares with what else loads JSON into Postgres: the same generated file, the same
# server, in turn, each as a whole process from its start to its end, the rows compared after each.
#
#   benches/peers/run.sh [RECORDS] [ROUNDS]      (default 100000 and 5)
#
# Needs target/release/stevedore and target/release/examples/generate (or STEVEDORE and GENERATE); installs the rest
# (install.sh). Without a DATABASE_URL (a scratch database) it starts a PostgreSQL of its own.
# ONLY="a b" takes these of with/, SLOW_ROUNDS (default 2) is for the peers marked slow, LIMIT_SECS
# (default 900) what a run may take. Writes benches/results/peers-RECORDS.csv, and with report.py the
# tables, the chart and the section of the README; RESULTS=folder writes it all elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
records=${1:-100000} rounds=${2:-5} slow_rounds=${SLOW_ROUNDS:-2}
HERE=$PWD/benches/peers PEERS=$PWD/target/peers
STEVEDORE=${STEVEDORE:-$PWD/target/release/stevedore} GENERATE=${GENERATE:-$PWD/target/release/examples/generate}
results=${RESULTS:-$PWD/benches/results}
# shellcheck source-path=SCRIPTDIR source=cluster.sh
. "$HERE/cluster.sh"
"$HERE/install.sh"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/peers.XXXXXX") READY=$WORK/ready SCRATCH=$WORK/scratch FILE=$WORK/users.ndjson
running=
end() {
    trap - EXIT INT TERM
    [ -z "$running" ] || kill "$running" 2>/dev/null || true
    stop_cluster
    rm -rf "$WORK"
}
trap end EXIT
trap 'end; exit 130' INT TERM
chmod 755 "$WORK"
mkdir "$READY"
start_cluster "$WORK"
export DATABASE_URL HERE PEERS STEVEDORE SCRATCH READY FILE

sql() { psql -qAtX -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"; }
about() { sed -n "s/^# $2: *//p" "$HERE/with/$1"; }
marked() { grep -qx "# $2" "$HERE/with/$1"; }
command_of() { # PEER: the command that runs it, in the array `command`
    case $1 in
    *.py) command=("$PEERS/$(about "$1" venv)/bin/python" "$HERE/with/$1") ;;
    *) command=(bash "$HERE/with/$1") ;;
    esac
}

prepare() { # PEER: empty tables and folder, and nothing left to be written
    rm -rf "$SCRATCH"
    mkdir "$SCRATCH"
    sql -f "$HERE/tables.sql"
    case $1 in stevedore* | limit*) sql -f "$HERE/wide.sql" ;; esac
    sql -c checkpoint
    sync
}

# The rows as stevedore writes them are what all are compared with, and what the limit copies.
reference() {
    "$GENERATE" --records "$records" >"$FILE"
    "$STEVEDORE" migrate 2>/dev/null
    prepare stevedore
    bash "$HERE/with/stevedore.sh"
    expected=$(sql -f "$HERE/fingerprint.sql")
    for table in user_status user_status_log user_status_error_rec; do
        sql -c "\\copy $table to '$READY/$table' (format binary)"
    done
}

describe() {
    echo "# records: $records ($(stat -c %s "$FILE") bytes); rows: $(echo "$expected" | cut -d'|' -f2 | paste -sd+)"
    echo "# machine: $(nproc) cores ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)), $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo); load average before: $(cut -d' ' -f1 /proc/loadavg)"
    echo "# server: PostgreSQL $(sql -c 'show server_version' | cut -d' ' -f1), $SERVER"
    echo "# day: $(date -u +%F)"
    sed 's/^/# left out: /' "$PEERS/left-out"
    echo "peer,about,round,wall_s,client_cpu_s,server_cpu_s,rss_mb,rows"
}

# Prints what came of a run: equal, or what is wrong.
outcome() { # EXIT CODE
    local found
    case $1 in
    0) ;;
    -9) echo "ended after ${LIMIT_SECS:-900} s" && return ;;
    *) echo "failed: $( (grep -iE 'error|fatal' "$WORK/said" || tail -1 "$WORK/said") | tail -1 | tr ',"' ';\047' | cut -c1-200)" && return ;;
    esac
    found=$(sql -f "$HERE/fingerprint.sql")
    if [ "$found" = "$expected" ]; then echo equal; else echo "rows differ: $(echo "$found" | paste -sd' ')"; fi
}

run() { # PEER ROUND
    local command cost result
    prepare "$1"
    command_of "$1"
    "$HERE/measure.py" "$POSTMASTER" "${LIMIT_SECS:-900}" "${command[@]}" >"$WORK/cost" 2>"$WORK/said" &
    running=$!
    wait $running || true
    running=
    # The command's own output comes before the line with what it cost.
    cost=$(tail -1 "$WORK/cost")
    result=$(outcome "${cost%%,*}")
    echo "${1%.*},\"$(about "$1" about | sed 's/"/""/g')\",$2,${cost#*,},$result" | tee -a "$WORK/csv" >&2
    [ "$result" = equal ]
}

chosen() { # what is installed, in an order that changes nothing
    local peer
    for peer in "$HERE"/with/*; do
        peer=$(basename "$peer")
        [ -z "${ONLY:-}" ] || case " $ONLY " in *" ${peer%.*} "*) ;; *) continue ;; esac
        [ "$peer" != stevedore-one.sh ] || "$STEVEDORE" load --help | grep -q -e --connections || continue
        [ -z "$(about "$peer" venv)" ] || [ -d "$PEERS/$(about "$peer" venv)" ] || continue
        echo "$peer"
    done
}

reference
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
