#!/usr/bin/env bash
# Whether loads and jobs stay whole when they are killed: at random moments the loader, the server or the worker is killed
# (SIGKILL), the sessions of the database are ended, or PostgreSQL itself goes down and comes back (`pg_ctl -m immediate`).
# Loads are repeated, servers and workers are started again, until all is done. Then the tables are compared with those
# that nobody disturbed.
#
#   benches/crash.sh [KILLS] [SEED] [NAME]      (default 200, 1, and all; otherwise only what has NAME in its name)
#
# It kills loads of the command line (append, merge, replace, bundles, parts), jobs, what arrives under a watch, and
# replays of rejects. Needs the release build (or STEVEDORE and GENERATE: the two programs) and the programs of a
# PostgreSQL server, which it starts for itself. Writes benches/results/crash.md, or the file in RESULTS. Exits with 1 if
# a row is lost, there twice or orphaned, if a job has no end, or if the ledger disagrees; then it keeps database and logs.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/service/begin.sh
nice -n 10 python3 benches/crash/run.py "${1:-200}" "${2:-1}" "$work" "${RESULTS:-benches/results/crash.md}" "${3:-}"
