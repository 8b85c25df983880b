#!/usr/bin/env bash
# Counts the instructions of each stage of a load, an average over 20,000 records, and holds them against
# benches/instructions.txt: seconds differ from machine to machine and run to run, instructions hardly.
#
#   benches/instructions.sh            fails when a stage takes more than its budget
#   benches/instructions.sh --update   writes what was counted, and 5 % more, as the budget
#
# Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."
budget=benches/instructions.txt records=20000
cargo build --quiet --release --locked --example instructions
counted=$(mktemp)
trap 'rm -f "$counted"' EXIT
# Only within the stages: not what makes up the records.
valgrind --quiet --tool=callgrind --callgrind-out-file="$counted" --collect-atstart=no \
    --toggle-collect='*stage_*' target/release/examples/instructions
measured=$(callgrind_annotate --inclusive=yes --threshold=100 "$counted" 2>/dev/null |
    awk -v records="$records" '{ count = $1; gsub(",", "", count) }
        match($0, /instructions::stage_[a-z_]+/) && !seen[$0 = substr($0, RSTART + 20, RLENGTH - 20)]++ {
            print $0, int(count / records)
        }' | sort)
if [ "${1:-}" = --update ]; then
    echo "$measured" | awk '{ print $1, int($2 * 1.05) }' >"$budget"
fi
echo "stage, instructions a record, budget:"
join <(echo "$measured") "$budget" | awk '{ print; over = over || $2 > $3 } END { exit over || NR != 10 }'
