#!/usr/bin/env bash
# Installs the peers: packages of PyPI, pinned in requirements/, into virtual environments below
# target/peers, and what they need of Debian. What cannot be installed is named, with its reason, in
# target/peers/left-out, and no reason to stop.
set -euo pipefail
cd "$(dirname "$0")/../.."
peers=$PWD/target/peers
mkdir -p "$peers"
: >"$peers/left-out"
leave_out() { echo "$1: $2" | tee -a "$peers/left-out" >&2; }

need() { # PEER FILE PACKAGE...: a file that Debian's packages bring
    local peer=$1 file=$2
    shift 2
    compgen -G "$file" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$peers/apt.log" 2>&1 || true
    fi
    compgen -G "$file" >/dev/null || leave_out "$peer" "needs Debian's $*"
}

python() { # NAME: its requirements in an environment of its own
    local name=$1 wanted=benches/peers/requirements/$1.txt
    cmp -s "$wanted" "$peers/$name/installed" && return
    rm -rf "${peers:?}/$name"
    if python3 -m venv "$peers/$name" && "$peers/$name/bin/pip" install -q -r "$wanted" >"$peers/$name.log" 2>&1; then
        cp "$wanted" "$peers/$name/installed"
    else
        leave_out "$(paste -sd ' ' "$wanted")" "$(tail -1 "$peers/$name.log")"
        rm -rf "${peers:?}/$name"
    fi
}

# The newest release that the pinned toolchain builds, with the two connectors that are needed. Ten
# minutes are what it gets.
faucet() {
    local version=1.0.1
    [ ! -x "$peers/faucet/bin/faucet" ] || return 0
    timeout 600 cargo install faucet-cli --version $version --locked --no-default-features --features source-csv,sink-postgres \
        --root "$peers/faucet" --target-dir "$peers/faucet/build" >"$peers/faucet.log" 2>&1 ||
        leave_out "faucet $version" "was not built within ten minutes"
    rm -rf "$peers/faucet/build"
}

need PostgreSQL "/usr/lib/postgresql/*/bin/initdb" postgresql
need PySpark "/usr/bin/java" default-jre-headless
need PySpark "/usr/share/java/postgresql-4*.jar" libpostgresql-jdbc-java
for wanted in benches/peers/requirements/*.txt; do python "$(basename "$wanted" .txt)"; done
[ -n "${SKIP_FAUCET:-}" ] || faucet
leave_out ingestr "its package on PyPI (1.1.76) holds no program and downloads one from elsewhere; the last one that does (0.14) reads no local JSON lines"
