#!/usr/bin/env bash
# How soon an object that arrives is loaded, and whether each one is loaded once while processes are killed: objects
# arrive all the time, a third of their notices is dropped, a third is sent twice, and at random moments a server or a
# worker is killed (SIGKILL) and started again. In the end the tables and the ledger are compared with what was put.
#
#   benches/arrivals.sh [OBJECTS] [KILLS] [SEED]      (default 5000, 100 and 1)
#
# Needs the release build (or STEVEDORE: the program) and the programs of a PostgreSQL server, which it starts for
# itself. Writes benches/results/arrivals.md, or the file in RESULTS. Exits with 1 if a version is lost or there twice.
set -euo pipefail
cd "$(dirname "$0")/.."
. benches/service/begin.sh
nice -n 10 python3 benches/arrivals/run.py "${1:-5000}" "${2:-100}" "${3:-1}" "$work" "${RESULTS:-benches/results/arrivals.md}"
