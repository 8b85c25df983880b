# about: **stevedore** `load --mode append`
# shellcheck shell=bash
exec "$STEVEDORE" load "$FILE" --mode append ${RELOAD---reload} --json >/dev/null
