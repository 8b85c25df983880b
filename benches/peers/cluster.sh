# shellcheck shell=bash
# A PostgreSQL of its own, for one run of a script: sourced. Sets DATABASE_URL and POSTMASTER. With a
# DATABASE_URL from outside it uses that, and POSTMASTER is 0: whose process that is, nobody knows.
# shellcheck disable=SC2034

# Runs a program of the server as somebody who may: it refuses to run as root.
as_server() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start_cluster() { # FOLDER: an empty one that is ours
    POSTMASTER=0 SERVER="the server in DATABASE_URL"
    [ -z "${DATABASE_URL:-}" ] || return 0
    local programs port
    programs=$(pg_config --bindir 2>/dev/null || true)
    [ -x "$programs/initdb" ] || programs=$(find /usr/lib/postgresql -name initdb -printf '%h\n' | sort -V | tail -1)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    CLUSTER=$1/cluster PROGRAMS=$programs
    mkdir "$CLUSTER"
    [ "$(id -u)" != 0 ] || chown postgres "$CLUSTER"
    (
        cd "$CLUSTER" || exit
        as_server "$programs/initdb" -U postgres -A trust -E UTF8 --locale=C -D data >/dev/null
        as_server "$programs/pg_ctl" -w -D data -l log -o "-p $port -c listen_addresses=127.0.0.1 -k $CLUSTER" start >/dev/null
    )
    POSTMASTER=$(head -1 "$CLUSTER/data/postmaster.pid")
    # Some peers want a password, although nobody asks for it here.
    DATABASE_URL=postgresql://postgres:peers@127.0.0.1:$port/postgres
    SERVER="a fresh cluster with default settings, fsync on"
}

stop_cluster() {
    [ -z "${CLUSTER:-}" ] || (cd "$CLUSTER" && as_server "$PROGRAMS/pg_ctl" -m immediate -D data stop >/dev/null) || true
}
