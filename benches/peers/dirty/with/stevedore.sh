# about: Stevedore
# in: default strict deliveries
# shellcheck shell=bash
stevedore load "$FILE" --feed readings.toml --mode append
