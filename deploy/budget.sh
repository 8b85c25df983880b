#!/usr/bin/env bash
# Fails if what deploy/packages.sh has built is larger than it may be. docs/contributing/release.md says why.
set -euo pipefail
cd "$(dirname "$0")/../target/packages"
status=0
check() { # FILE MEGABYTES
    local bytes most=$(($2 * 1000000))
    bytes=$(stat -c %s $1)
    printf '%-12s %4d.%d MB of %d\n' "${1##*.}" $((bytes / 1000000)) $((bytes / 100000 % 10)) "$2"
    if [ "$bytes" -gt "$most" ]; then status=1; fi
}
check stevedore 88
check '*.whl' 32
check '*.deb' 21
exit $status
