# shellcheck shell=bash
# One measured load, for run.sh and growth.sh: sourced, with HERE set.
# shellcheck disable=SC2034
# shellcheck source-path=SCRIPTDIR source=cluster.sh
. "$HERE/cluster.sh"
PEERS=$PWD/target/peers
STEVEDORE=${STEVEDORE:-$PWD/target/release/stevedore} GENERATE=${GENERATE:-$PWD/target/release/examples/generate}

# A folder and a database of ours, which are gone when the script ends, however it ends.
open_scratch() { # NAME
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
    READY=$WORK/ready SCRATCH=$WORK/scratch FILE=$WORK/users.ndjson running=
    trap close_scratch EXIT
    trap 'close_scratch; exit 130' INT TERM
    chmod 755 "$WORK"
    mkdir "$READY"
    start_cluster "$WORK"
    export DATABASE_URL HERE PEERS STEVEDORE SCRATCH READY FILE
    "$STEVEDORE" migrate 2>/dev/null
}
close_scratch() {
    trap - EXIT
    trap '' INT TERM # a second one must not end this half done
    [ -z "$running" ] || kill "$running" 2>/dev/null || true
    stop_cluster
    rm -rf "$WORK"
}

sql() { psql -qAtX -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"; }
fingerprint() { sql -f "$HERE/fingerprint.sql"; }
about() { sed -n "s/^# $2: *//p" "$HERE/with/$1"; }

prepare() { # PEER: empty tables and folder, and nothing left to be written
    rm -rf "$SCRATCH"
    mkdir "$SCRATCH"
    sql -f "$HERE/tables.sql"
    case $1 in stevedore* | limit*) sql -f "$HERE/wide.sql" ;; esac
    sql -c checkpoint
    sync
}

# Makes the file, and loads it: those rows are what all others are compared with.
reference() { # ARGUMENTS of the generator
    "$GENERATE" "$@" >"$FILE"
    prepare stevedore
    bash "$HERE/with/stevedore.sh"
    expected=$(fingerprint)
}

# Makes of those rows the binary files that the limits copy: whole tables, and two halves of each.
ready_files() {
    local table half
    # A scan that joins another one begins in the middle, and the halves would not be the whole.
    local -x PGOPTIONS="-c synchronize_seqscans=off"
    for table in user_status user_status_log user_status_error_rec; do
        half=$(($(sql -c "select count(*) from $table") / 2))
        sql -c "\\copy $table to '$READY/$table' (format binary)" \
            -c "\\copy (select * from $table limit $half) to '$READY/$table.1' (format binary)" \
            -c "\\copy (select * from $table offset $half) to '$READY/$table.2' (format binary)"
    done
}

measure() { # PEER: runs it; `cost` is what measure.py says of it, and $WORK/said what it said itself
    local command
    case $1 in
    *.py) command=("$PEERS/$(about "$1" needs)/bin/python" "$HERE/with/$1") ;;
    *) command=(bash "$HERE/with/$1") ;;
    esac
    "$HERE/measure.py" "$POSTMASTER" "${LIMIT_SECS:-900}" "${command[@]}" >"$WORK/cost" 2>"$WORK/said" &
    running=$!
    wait $running || true
    running=
    cost=$(tail -1 "$WORK/cost")
}

describe_machine() {
    local model memory
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
    memory=$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo)
    echo "# machine: $(nproc) cores ($model), $memory, shared by server and client"
    echo "# load average before: $(cut -d' ' -f1 /proc/loadavg)"
    echo "# server: PostgreSQL $(sql -c 'show server_version' | cut -d' ' -f1), $SERVER"
    echo "# day: $(date -u +%F)"
}
