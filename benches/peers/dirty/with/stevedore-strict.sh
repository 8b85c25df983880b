# about: Stevedore, `--max-rejected 0`
# in: strict
# shellcheck shell=bash
stevedore load "$FILE" --feed readings.toml --mode append --max-rejected 0
