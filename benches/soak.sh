#!/usr/bin/env bash
# Whether a server and its workers stay as they are for a long time: objects arrive under a watch all the time, and faults
# come at intervals. The sessions of the database are ended, a worker is killed (SIGKILL), PostgreSQL goes down and comes
# back (`pg_ctl -m immediate`). Of the objects some are broken, some have records that are rejected, some are overwritten.
# Of the notices a third is lost, and a third comes twice.
#
#   benches/soak.sh [MINUTES] [SEED]      (default 60 and 1)
#
# Every five seconds it notes the memory of the server and the workers, the connections to the database, the jobs that
# wait, and the time from when an object was put until its job has ended. Needs the release build (or STEVEDORE: the
# program) and the programs of a PostgreSQL server, which it starts for itself. Writes benches/results/soak.csv, soak.md
# and soak.svg, or these files in the folder RESULTS. Exits with 1 if a row is lost or there twice, or if memory,
# connections or latency of the last quarter are more than 20 % above those of the second quarter; if rows are wrong, it
# keeps database and logs.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/service/begin.sh
results=${RESULTS:-benches/results}
python3 benches/soak/run.py "${1:-60}" "${2:-1}" "$work" "$results/soak.csv"
python3 benches/soak/report.py "$results"
