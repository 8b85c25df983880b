# about: Stevedore, `--mode merge`
# in: deliveries
# shellcheck shell=bash
stevedore load "$FILE" --feed readings.toml --mode merge
