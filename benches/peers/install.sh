#!/usr/bin/env bash
# Installs the peers below target/peers: packages of PyPI, pinned in requirements/, each file in a
# virtual environment of its own, faucet of crates.io, and what they need of Debian. What cannot be
# installed is named with its reason in target/peers/left-out, and is no reason to stop.
set -euo pipefail
cd "$(dirname "$0")/../.."
peers=$PWD/target/peers
mkdir -p "$peers"
: >"$peers/left-out"
leave_out() { # PEER REASON
    echo "$1: $2" | tee -a "$peers/left-out" >&2
    return 1
}

need() { # PEER FILE PACKAGE...: a file that Debian's packages bring
    local peer=$1 file=$2
    shift 2
    ! compgen -G "$file" >/dev/null || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$peers/apt.log" 2>&1 || true
    fi
    compgen -G "$file" >/dev/null || leave_out "$peer" "needs Debian's $*"
}

environment() { # NAME: requirements/NAME.txt in an environment of its own
    local name=$1 wanted=benches/peers/requirements/$1.txt
    ! cmp -s "$wanted" "$peers/$name/installed" || return 0
    rm -rf "${peers:?}/$name"
    if python3 -m venv "$peers/$name" && "$peers/$name/bin/pip" install -q -r "$wanted" >"$peers/$name.log" 2>&1; then
        cp "$wanted" "$peers/$name/installed"
    else
        rm -rf "${peers:?}/$name"
        leave_out "$(paste -sd ' ' "$wanted")" "pip says: $(grep -i error "$peers/$name.log" | tail -1)"
    fi
}

# The newest release that the pinned toolchain builds, with the two connectors that are needed.
faucet() {
    local version=1.0.1
    [ ! -e "$peers/faucet/installed" ] || return 0
    if timeout "${FAUCET_SECS:-600}" cargo install faucet-cli --version $version --locked --no-default-features \
        --features source-csv,sink-postgres --root "$peers/faucet" --target-dir "$peers/faucet/build" >"$peers/faucet.log" 2>&1; then
        echo "faucet-cli==$version" >"$peers/faucet/installed"
    else
        leave_out "faucet $version" "was not built within ${FAUCET_SECS:-600} s: $(tail -1 "$peers/faucet.log")"
    fi
    rm -rf "$peers/faucet/build"
}

need "all of them" "/usr/lib/postgresql/*/bin/initdb" postgresql || true
if [ $# -gt 0 ]; then
    for name in "$@"; do environment "$name"; done
    exit
fi
for name in duckdb duckdb2 polars dlt sling ingestr; do environment $name || true; done
{
    need PySpark /usr/bin/java default-jre-headless &&
        need PySpark "/usr/share/java/postgresql-4*.jar" libpostgresql-jdbc-java &&
        environment spark
} || true
faucet || true
leave_out "ingestr 1.1.76" "its package holds no program and downloads one from elsewhere; 0.14.155 runs instead" || true
