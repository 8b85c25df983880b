#!/usr/bin/env bash
# Installs a wheel into a clean environment and loads the sample in an empty folder. Needs an installed
# PostgreSQL, which the embedded database runs. Usage: deploy/python/test.sh WHEEL
set -euo pipefail
wheel=$(realpath "$1")
sample=$(realpath "$(dirname "$0")/../../data/user_status_sample.json")
# From `pip install` to the first rows.
most_seconds=10

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The embedded database of root runs as another user.
chmod 755 "$scratch"
python3 -m venv "$scratch/venv"
mkdir "$scratch/empty" && cd "$scratch/empty"

start=$(date +%s.%N)
"$scratch/venv/bin/pip" install --quiet --no-index --disable-pip-version-check "$wheel"
installed=$(date +%s.%N)
env -u DATABASE_URL "$scratch/venv/bin/stevedore" load "$sample" >"$scratch/out"
end=$(date +%s.%N)

grep -q 'user_status_log .* 13 ' "$scratch/out" || { cat "$scratch/out"; exit 1; }
python3 - "$start" "$installed" "$end" "$most_seconds" <<'PYTHON'
import sys
start, installed, end, most = map(float, sys.argv[1:])
print(f"installed in {installed - start:.1f} s, first rows after {end - start:.1f} s (at most {most:.0f})")
sys.exit(end - start > most)
PYTHON
