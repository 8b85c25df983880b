# shellcheck shell=bash
# What scripts over servers and workers begin with, sourced: a PostgreSQL of their own, and the folder `work`. If the script
# fails, the folder is kept, with the database and the logs.
# shellcheck disable=SC2034,SC2154
unset DATABASE_URL
. benches/peers/cluster.sh
work=$(mktemp -d)
finish() {
    local status=$?
    stop_cluster
    if [ "$status" = 0 ]; then rm -rf "$work"; else echo "kept: $work" >&2; fi
}
trap finish EXIT
chmod 755 "$work"
start_cluster "$work"
export DATABASE_URL CLUSTER PROGRAMS PYTHONPATH=benches/service:benches/peers
export STEVEDORE=${STEVEDORE:-target/release/stevedore} GENERATE=${GENERATE:-target/release/examples/generate}
