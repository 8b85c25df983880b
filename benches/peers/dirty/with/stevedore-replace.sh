# about: Stevedore, `--mode replace`
# in: deliveries
# shellcheck shell=bash
stevedore load "$FILE" --feed readings.toml --mode replace
