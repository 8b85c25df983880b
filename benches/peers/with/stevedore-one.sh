# about: **stevedore** `load --mode append --connections 1`
# shellcheck shell=bash
exec "$STEVEDORE" load "$FILE" --mode append --connections 1 --reload --json >/dev/null
