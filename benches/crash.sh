#!/usr/bin/env bash
# Whether loads stay whole when they are killed: at random moments the loader is killed (SIGKILL), its sessions are
# ended by the server, or the server itself goes down and comes back (`pg_ctl -m immediate`). After each kill the load is
# repeated, until it is done. Then the tables are compared with those of a load that nobody disturbed.
#
#   benches/crash.sh [KILLS] [SEED]      (default 200 and 1)
#
# Needs the release build (or STEVEDORE and GENERATE: the two programs) and the programs of a PostgreSQL server, which it
# starts for itself. Writes benches/results/crash.md, or the file in RESULTS. Exits with 1 if a row is lost, there twice
# or orphaned.
set -euo pipefail
cd "$(dirname "$0")/.."
unset DATABASE_URL
. benches/peers/cluster.sh
work=$(mktemp -d)
trap 'stop_cluster; rm -rf "$work"' EXIT
chmod 755 "$work"
start_cluster "$work"
export DATABASE_URL CLUSTER PROGRAMS
export STEVEDORE=${STEVEDORE:-target/release/stevedore} GENERATE=${GENERATE:-target/release/examples/generate}
nice -n 10 python3 benches/crash/run.py "${1:-200}" "${2:-1}" "$work" "${RESULTS:-benches/results/crash.md}"
