#!/usr/bin/env bash
# What stevedore, dlt, Sling and DuckDB do with the same dirty files: each file is loaded with each of them, and what
# is in Postgres is compared with an independent reading of the file (dirty/reading.py).
#
#   benches/peers/dirty.sh
#
# Needs target/release/stevedore (or STEVEDORE names it), and installs the others. Without a DATABASE_URL (a database
# whose tables may all be dropped) it starts a PostgreSQL of its own. ONLY="dlt-append bom" takes these scripts of
# dirty/with/, and these cases; RESULTS=folder writes there, and leaves the page unchanged. Writes
# benches/results/dirty.csv, and with dirty/report.py the tables of docs/concepts/dirty-files.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
results=${RESULTS:-$PWD/benches/results}
HERE=$PWD/benches/peers
# shellcheck source-path=SCRIPTDIR source=load.sh
. "$HERE/load.sh"
"$HERE/install.sh" dlt sling duckdb
open_scratch dirty
python3 -B "$HERE/dirty/run.py" "$WORK/csv"
mkdir -p "$results"
{
    describe_machine | grep -E '^# (server|day)'
    echo "# versions: $("$STEVEDORE" --version | head -1), $(cat "$PEERS"/{dlt,sling,duckdb}/installed | paste -sd' ')"
    cat "$WORK/csv"
} >"$results/dirty.csv"
python3 -B "$HERE/dirty/report.py" "$results"
